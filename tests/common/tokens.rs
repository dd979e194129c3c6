//! Tokens and the carriers on them, as values that a test plugs in.

use std::path::PathBuf;
use std::sync::Arc;

use keynode::devices::{CarrierState, Hardware, TokenCarrier, TokenHardware};
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use keynode::tokens::{KeyKind, Token, TokenKey, TokenState};

use super::keys;

/// A usable token of this NAME and serial number, with so many carrier keys.
pub(crate) fn token(name: &str, serial: &str, keys: u8) -> Token {
    let key = |id| TokenKey {
        id: vec![id],
        label: format!("keynode-carrier {id}"),
        kind: KeyKind::EcP256,
        public_key: None,
        extractable: false,
        signs: true,
        decrypts: false,
    };
    Token {
        name: name.into(),
        module: PathBuf::from("/usr/lib/vendor/module.so"),
        state: TokenState::Usable,
        label: format!("label of {name}"),
        serial: serial.into(),
        manufacturer: "Example Tokens".into(),
        model: "T-1000".into(),
        slot: Some(7),
        free_memory: None,
        keys: (1..=keys).map(key).collect(),
        certificates: Vec::new(),
        data: Vec::new(),
    }
}

/// The public key that [`proven`] gives.
pub(crate) fn public_key(serial: &str, id: u8) -> String {
    format!("{serial}{id:A<120}")
}

/// A carrier key on a token that has proved itself and has no licence.
pub(crate) fn proven(token: &Token, id: u8) -> TokenCarrier {
    TokenCarrier {
        id: format!("pkcs11-{}-{id:02x}", token.serial),
        token: Arc::new(token.clone()),
        key: vec![id],
        public_key: Some(public_key(&token.serial, id)),
        state: CarrierState::Proven,
        memory: Some(Arc::from([])),
    }
}

/// The same carrier with a licence on its token.
pub(crate) fn loaded(token: &Token, id: u8, licence: &Licence) -> TokenCarrier {
    TokenCarrier {
        memory: Some(keys::sealed(licence).into_bytes().into()),
        ..proven(token, id)
    }
}

/// A binding to the carrier key of this number on the token of this serial number.
pub(crate) fn binding(serial: &str, id: u8) -> Binding {
    Binding::Carrier(CarrierBinding {
        driver: "pkcs11".into(),
        serial: serial.into(),
        public_key: Some(public_key(serial, id)),
    })
}

/// These tokens and carriers, and no USB devices.
pub(crate) fn hardware(tokens: &[Token], carriers: Vec<TokenCarrier>) -> Hardware {
    Hardware {
        tokens: Arc::new(TokenHardware {
            tokens: Arc::new(tokens.iter().cloned().map(Arc::new).collect()),
            carriers: carriers.into_iter().map(Arc::new).collect(),
        }),
        ..Hardware::default()
    }
}
