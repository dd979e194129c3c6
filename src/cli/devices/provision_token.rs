//! `keynode devices provision --driver pkcs11`: makes carrier keys on tokens, and writes licences beside them.

use std::io::Write;

use crate::devices::token_carriers::{CARRIER_LABEL, licence_label};
use crate::devices::{CarrierState, CarrierView, Place, TokenCarrier};
use crate::licence::Licence;
use crate::licence::binding::Binding;
use crate::node;
use crate::tokens::{KeyKind, NewKey, Operation, Token, TokenError, TokenState, TokensHandle};

use super::Failure;
use super::provision::{Algorithm, NEXT, ProvisionArgs};
use super::seen::Seen;

impl Algorithm {
    fn kind(self) -> KeyKind {
        match self {
            Self::Ed25519 => KeyKind::Ed25519,
            Self::P256 => KeyKind::EcP256,
            Self::Rsa2048 => KeyKind::Rsa(2048),
        }
    }
}

/// The carrier on this token that a licence is bound to; without a licence the only one that the token has.
pub(super) fn carrier<'s>(
    seen: &'s Seen,
    token: &str,
    licence: Option<&Licence>,
) -> Result<CarrierView<'s>, Failure> {
    usable(seen, token)?;
    let carriers = seen.hardware.all_carriers();
    let carriers: Vec<_> = carriers
        .filter(|carrier| carrier.place == Place::Token(token))
        .collect();
    if let Some(Binding::Carrier(binding)) = licence.map(|licence| &licence.binding)
        && let Some(its) =
            (carriers.iter()).find(|carrier| carrier.public_key == binding.public_key.as_deref())
    {
        return Ok(*its);
    }
    match carriers[..] {
        [only] => Ok(only),
        [] => Err(Failure::NotFound(format!(
            "token {token} has no carrier key: without --licence and --erase this makes one"
        ))),
        ref several => Err(Failure::Usage(format!(
            "token {token} has several carrier keys{}: name one by its ID: {}",
            if licence.is_some() {
                ", and the licence is bound to none of them"
            } else {
                ""
            },
            several
                .iter()
                .map(|carrier| carrier.id)
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

/// Makes a carrier key, unless the token has one.
pub(super) fn make_key(
    args: &ProvisionArgs,
    seen: &Seen,
    tokens: &TokensHandle,
    name: &str,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let token = usable(seen, name)?;
    let here = (seen.hardware.tokens.carriers.iter()).find(|carrier| carrier.token.name == name);
    if let Some(here) = here.filter(|_| !args.another) {
        writeln!(
            out,
            "token {name} has the carrier {} already: --another makes one more",
            here.id
        )?;
        return Ok(());
    }
    let id = uuid::Uuid::new_v4().as_bytes()[..8].to_vec();
    let create = Operation::CreateKey {
        id: id.clone(),
        label: CARRIER_LABEL.into(),
        key: NewKey::Generated(args.algorithm.kind()),
    };
    tokens
        .perform_and_wait(&token.name, create)
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let after = node::look_at_tokens(tokens);
    let made = (after.carriers.iter()).find(|carrier| carrier.token.name == name && carrier.key == id);
    let made =
        made.ok_or_else(|| Failure::Failed(format!("token {name} does not show the key that it made")))?;
    if let CarrierState::Failed(why) = &made.state {
        return Err(Failure::Failed(format!("carrier {} is made but {why}", made.id)));
    }
    writeln!(
        out,
        "carrier {} is made, its number is {}\na licence for it: keynode vendor issue --carrier {}{NEXT}",
        made.id,
        made.number(),
        made.id
    )?;
    Ok(())
}

/// Writes the licence of a carrier beside its key, or removes it where the new one is empty, and reads it back.
pub(super) fn write(seen: &Seen, tokens: &TokensHandle, id: &str, licence: &[u8]) -> Result<(), Failure> {
    let carrier = (seen.hardware.tokens.carriers.iter()).find(|carrier| carrier.id == id);
    let carrier = carrier.ok_or_else(|| Failure::Failed(format!("{id} is gone")))?;
    let (name, label) = (&carrier.token.name, licence_label(&carrier.key));
    let written = tokens.perform_and_wait(
        name,
        Operation::WriteData {
            label: label.clone(),
            value: licence.to_vec(),
        },
    );
    match written {
        Ok(_) => {}
        Err(TokenError::NoRoom(_)) => return Err(no_room(carrier, licence)),
        Err(error) => return Err(Failure::Failed(error.to_string())),
    }
    tokens.rescan();
    let tokens = tokens.tokens();
    let after = tokens.iter().find(|token| token.name == *name);
    let object = after.and_then(|token| token.data.iter().find(|data| data.label == label));
    let held = object.map_or(&[][..], |data| &data.value);
    if held == licence {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "token {name} does not hold what was written: it now shows {} bytes of {}",
        held.len(),
        licence.len()
    )))
}

fn no_room(carrier: &TokenCarrier, licence: &[u8]) -> Failure {
    Failure::Failed(format!(
        "token {} has no room for the {} bytes of the licence, and keeps what it had: put the file into the node's \
         licence directory instead; it is bound to the carrier (BlankKeyNo {}) and works while the token is there",
        carrier.token.name,
        licence.len(),
        carrier.number()
    ))
}

fn usable<'s>(seen: &'s Seen, name: &str) -> Result<&'s Token, Failure> {
    let token = seen
        .hardware
        .tokens
        .tokens
        .iter()
        .find(|token| token.name == name);
    let token = token.ok_or_else(|| Failure::NotFound(TokenError::Unknown(name.into()).to_string()))?;
    if token.state == TokenState::Usable {
        return Ok(token);
    }
    let words = token.state.in_words();
    Err(Failure::Failed(format!("token {name} {words}")))
}
