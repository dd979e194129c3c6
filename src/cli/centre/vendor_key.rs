//! The vendor key as the settings name it: in a file of the centre's directory, or on a token.

use crate::activation::centre::{VENDOR_KEY, VendorSigner};
use crate::computer::Roots;
use crate::node::token_rules;
use crate::settings::Settings;
use crate::tokens::{TokensHandle, Workers};

use super::super::failure::Failure;

/// A vendor key that signs, with the token that it is on, whose process ends with this.
pub(super) struct OpenKey {
    pub(super) signer: VendorSigner,
    _token: Option<Running>,
}

/// The process of a token.
pub(super) struct Running(TokensHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl OpenKey {
    /// The key, and what has to live as long as it signs.
    pub(super) fn parts(self) -> (VendorSigner, Option<Running>) {
        (self.signer, self._token)
    }
}

/// Opens the vendor key.
pub(super) fn open(settings: &Settings) -> Result<OpenKey, Failure> {
    let dir = settings.centre_dir();
    let (Some(name), Some(key)) = (&settings.centre.token, &settings.centre.token_key) else {
        let path = dir.join(VENDOR_KEY);
        if !path.exists() {
            return Err(Failure::NotFound(format!(
                "{}: there is no vendor key; `keynode centre init --dir {}` makes one together with a centre, and \
                 centre.token in the settings names one on a token",
                path.display(),
                dir.display()
            )));
        }
        return Ok(OpenKey {
            signer: VendorSigner::from_file(&path)?,
            _token: None,
        });
    };
    let mut tokens = settings.tokens.clone();
    tokens.retain(|known, _| known == name);
    let rules = token_rules(&tokens, Roots::host().credentials.as_deref());
    let handle = TokensHandle::start(rules, Workers::this_program(Some(dir)));
    let running = Running(handle.clone());
    let signer = VendorSigner::on_token(handle, name, key)?;
    Ok(OpenKey {
        signer,
        _token: Some(running),
    })
}
