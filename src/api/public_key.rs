//! GET /api/publickey: the keys that verify the node's answers.

use serde_json::{Value, json};

use crate::signing::{ListedKey, PublicKey};

use super::reply::Reply;
use super::{Api, Request};

const ALGORITHM: &str = "RSASSA-PKCS1-v1_5 with SHA-256";

pub(super) fn answer(api: &Api, request: &Request) -> Reply {
    let current = api.signer.public_key();
    let keys: Vec<Value> = api.signer.keys().iter().map(row).collect();
    let body = json!({
        "PublicKey": current.pem,
        "Algorithm": ALGORITHM,
        "Bits": current.bits,
        "Keys": keys,
    });
    Reply::json(body.to_string().into_bytes(), &request.query)
}

fn row(key: &ListedKey) -> Value {
    let entry = &key.entry;
    json!({
        "PublicKey": entry.public_key,
        "Bits": PublicKey::from_pem(&entry.public_key).map(|key| key.bits),
        "Provider": entry.place.provider(),
        "State": key.state.name(),
        "Usable": key.usable,
        "Since": entry.since,
        "Retired": entry.retired,
    })
}
