//! The vendor key as the settings name it: in a file of the centre's directory, or on a token.

use crate::activation::centre::{VENDOR_KEY, VendorSigner};
use crate::computer::Roots;
use crate::node::token_rules;
use crate::settings::Settings;
use crate::tokens::{TokensHandle, Workers};

use super::super::failure::Failure;

/// The process of a token; it ends with this.
pub(super) struct Running(TokensHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Opens the vendor key. What comes with it has to live as long as it signs.
pub(super) fn open(settings: &Settings) -> Result<(VendorSigner, Option<Running>), Failure> {
    let dir = settings.centre_dir();
    let (Some(name), Some(key)) = (&settings.centre.token, &settings.centre.token_key) else {
        let path = dir.join(VENDOR_KEY);
        if !path.exists() {
            return Err(Failure::NotFound(format!(
                "{}: there is no vendor key; put the copy of it there, or name one on a token (centre.token in the \
                 settings); where it is lost, `keynode vendor init --dir {}` makes another, which nodes then have to \
                 trust",
                path.display(),
                dir.display()
            )));
        }
        return Ok((VendorSigner::from_file(&path)?, None));
    };
    let mut tokens = settings.tokens.clone();
    tokens.retain(|known, _| known == name);
    let rules = token_rules(&tokens, Roots::host().credentials.as_deref());
    let handle = TokensHandle::start(rules, Workers::this_program(Some(dir)));
    let running = Running(handle.clone());
    let signer = VendorSigner::on_token(handle, name, key)?;
    Ok((signer, Some(running)))
}
