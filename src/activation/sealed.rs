//! The form of a request on its way: a JWS in flattened JSON (RFC 7515, section 7.2.2), signed with `EdDSA` by the key
//! that its header shows as a JWK (RFC 8037). The signature says that the sender has that key; whose it is, only
//! earlier requests tell.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::text::compact;

use super::identity::NodeIdentity;
use super::request::{BadRequest, Request};

/// The largest request that is read, in bytes.
pub const MAX_REQUEST: usize = 64 * 1024;

const TYPE: &str = "activation+jws";
const ALGORITHM: &str = "EdDSA";

/// Why a text is no request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// Not a JWS in JSON.
    #[error("this is no activation request: {0}")]
    Form(&'static str),
    /// The signature is not that of the key in the header.
    #[error("the request was changed after it was signed")]
    Signature,
    /// What is signed is no request that this program knows.
    #[error("the request cannot be understood ({0})")]
    Payload(String),
    /// A value out of its range.
    #[error(transparent)]
    Invalid(#[from] BadRequest),
}

#[derive(Serialize, Deserialize)]
struct Jws {
    payload: String,
    protected: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    jwk: Jwk,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
}

/// Signs a request; the result is one line of JSON.
pub fn seal_request(request: &Request, identity: &NodeIdentity) -> String {
    let known = "structs of strings and numbers always have a JSON form";
    let header = Header {
        alg: ALGORITHM.into(),
        typ: TYPE.into(),
        jwk: Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: URL_SAFE_NO_PAD.encode(identity.public_key()),
        },
    };
    let protected = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).expect(known));
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(request).expect(known));
    let signature = URL_SAFE_NO_PAD.encode(identity.sign(format!("{protected}.{payload}").as_bytes()));
    let jws = Jws {
        payload,
        protected,
        signature,
    };
    serde_json::to_string(&jws).expect(known)
}

/// Opens a request: the request, and the public key of the node that signed it.
///
/// # Errors
/// [`SealError`]; nothing of a request is looked at before its signature is verified.
pub fn open_request(text: &[u8]) -> Result<(Request, [u8; 32]), SealError> {
    if text.len() > MAX_REQUEST {
        return Err(SealError::Form("it is too large"));
    }
    // No part of it has white space of its own.
    let jws: Jws = serde_json::from_slice(&compact(text))
        .map_err(|_| SealError::Form("it is not a JWS in flattened JSON"))?;
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| SealError::Form("it is not in base64url"))
    };
    let header: Header = serde_json::from_slice(&decode(&jws.protected)?)
        .map_err(|_| SealError::Form("its header is of another kind"))?;
    if header.alg != ALGORITHM || header.typ != TYPE || header.jwk.kty != "OKP" || header.jwk.crv != "Ed25519"
    {
        return Err(SealError::Form("its header is of another kind"));
    }
    let key: [u8; 32] = decode(&header.jwk.x)?
        .try_into()
        .map_err(|_| SealError::Form("its key is not of 32 bytes"))?;
    let signed = format!("{}.{}", jws.protected, jws.payload);
    UnparsedPublicKey::new(&ED25519, key)
        .verify(signed.as_bytes(), &decode(&jws.signature)?)
        .map_err(|_| SealError::Signature)?;
    let request: Request = serde_json::from_slice(&decode(&jws.payload)?).map_err(|error| {
        let said: String = error
            .to_string()
            .chars()
            .filter(|c| !c.is_control())
            .take(160)
            .collect();
        SealError::Payload(said)
    })?;
    request.check()?;
    Ok((request, key))
}

#[cfg(test)]
mod tests {
    use super::super::nonce::Nonce;
    use super::super::request::{Action, REQUEST_VERSION};
    use super::*;
    use crate::licence::binding::{Component, ComponentKind};
    use crate::licence::{ActivationCode, Itn, Timestamp};

    fn request() -> Request {
        Request {
            version: REQUEST_VERSION,
            action: Action::Activate,
            code: ActivationCode::parse("4345-9320-2035-7421-5361").unwrap(),
            itn: Itn::parse("1234567894").unwrap(),
            iec: None,
            nonce: Nonce::from_bytes([7; 16]),
            last: None,
            time: Timestamp::from_millis(1),
            recovery: None,
            computer: Some(vec![Component {
                kind: ComponentKind::Disk,
                value: "0123456789abcdef0123456789abcdef".into(),
            }]),
            carrier: None,
        }
    }

    #[test]
    fn a_request_is_read_back_with_the_key_that_signed_it() {
        let dir = tempfile::tempdir().unwrap();
        let identity = NodeIdentity::open(dir.path()).unwrap();
        let text = seal_request(&request(), &identity);
        let wrapped = format!("\u{feff}{}\r\n{}\n", &text[..60], &text[60..]);
        for text in [text, wrapped] {
            assert_eq!(
                open_request(text.as_bytes()),
                Ok((request(), identity.public_key()))
            );
        }
    }

    #[test]
    fn what_was_changed_or_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let identity = NodeIdentity::open(dir.path()).unwrap();
        let text = seal_request(&request(), &identity);
        let other = seal_request(
            &Request {
                time: Timestamp::from_millis(2),
                ..request()
            },
            &identity,
        );
        let mut jws: Jws = serde_json::from_str(&text).unwrap();
        jws.payload = serde_json::from_str::<Jws>(&other).unwrap().payload;
        let mixed = serde_json::to_string(&jws).unwrap();
        assert_eq!(open_request(mixed.as_bytes()), Err(SealError::Signature));
        for bad in ["", "{}", "[]", "a.b.c", &text[..text.len() - 2]] {
            assert!(
                matches!(open_request(bad.as_bytes()), Err(SealError::Form(_))),
                "{bad}"
            );
        }
        let nowhere = Request {
            computer: None,
            ..request()
        };
        assert_eq!(nowhere.check(), Err(BadRequest::Place));
        let text = seal_request(&nowhere, &identity);
        assert_eq!(
            open_request(text.as_bytes()),
            Err(SealError::Invalid(BadRequest::Place))
        );
        let disk = request().computer.unwrap();
        let ram = Component {
            kind: ComponentKind::Ram,
            value: "8".into(),
        };
        for (computer, why) in [(vec![ram], "strong"), ([disk.clone(), disk].concat(), "twice")] {
            let any = Request {
                computer: Some(computer),
                ..request()
            };
            assert!(any.check().unwrap_err().to_string().contains(why));
        }
    }
}
