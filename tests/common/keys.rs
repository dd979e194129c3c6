//! The fixture keys, and licences sealed by the fixture vendor.

use std::io::Write;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::licence::binding::Binding;
use keynode::licence::{
    ActivationCode, FORMAT_VERSION, Itn, KeyId, KeyNo, KeyType, Licence, Notice, Timestamp, VendorKey, seal,
    seal_notice,
};
use keynode::signing::{Message, Signer, SoftwareKey};
use serde_json::Value;

pub(crate) const NODE_KEY: &str = include_str!("../fixtures/node.key.pem");
pub(crate) const VENDOR_PUBLIC: &str = include_str!("../fixtures/vendor.pub.pem");

/// KeyNo of the manual's licence.
pub(crate) const KEY_NO: KeyNo = 7_131_766;

/// Reads a key of the fixtures; the node's way wants a private file.
pub(crate) fn software_key(pem: &str) -> SoftwareKey {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    SoftwareKey::read(file.path()).unwrap()
}

fn vendor() -> &'static SoftwareKey {
    static KEY: OnceLock<SoftwareKey> = OnceLock::new();
    KEY.get_or_init(|| software_key(include_str!("../fixtures/vendor.key.pem")))
}

/// The public half of the fixture key that every test node signs with.
pub(crate) fn node_public() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| software_key(NODE_KEY).public_key().pem.clone())
}

fn vendor_sign(message: &[u8]) -> Vec<u8> {
    let message = Message {
        query_id: b"",
        body: message,
    };
    vendor().sign_one(message).unwrap().0
}

pub(crate) fn vendor_kid() -> String {
    VendorKey::from_pem(VENDOR_PUBLIC).unwrap().kid().to_owned()
}

/// A licence file.
pub(crate) fn sealed(licence: &Licence) -> String {
    seal::<()>(licence, &vendor_kid(), |message| Ok(vendor_sign(message))).unwrap()
}

/// A notice of the fixture vendor's.
pub(crate) fn notice(notice: &impl Notice) -> String {
    seal_notice::<_, ()>(notice, &vendor_kid(), |message| Ok(vendor_sign(message))).unwrap()
}

/// A licence file with this payload, which need not be one that this program would write.
pub(crate) fn sealed_payload(payload: &Value) -> String {
    let header = serde_json::json!({ "alg": "RS256", "typ": "licence+jws", "kid": vendor_kid() });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(vendor_sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The manual's licence (spec, section 4.2), with check digits in its ITN and bound to nothing.
pub(crate) fn licence() -> Licence {
    Licence {
        version: FORMAT_VERSION.into(),
        key_no: KEY_NO,
        key_id: KeyId::parse("672B").unwrap(),
        reg_no: 202,
        key_type: KeyType::Main,
        service_type: 0,
        licence_count: 5,
        product_version: 0,
        blank_key_no: None,
        activation_code: Some(ActivationCode::parse("4345-9320-2035-7421-5361").unwrap()),
        activation_date: Timestamp::parse("2018-03-30T21:00:00.414Z").unwrap(),
        start_date: None,
        period: 0,
        flags: 0,
        itn: Some(Itn::parse("1234567894").unwrap()),
        iec: None,
        product_name: "Тестовая серия".into(),
        article: "1111111111111".into(),
        article_name: "Тестовая номенклатура для проверки работоспособности системы".into(),
        support_date: None,
        support_period: None,
        industry_support_date: None,
        industry_support_period: None,
        product_version_name: None,
        recovered: false,
        binding: Binding::None,
        issued: None,
        nonce: None,
    }
}

/// The manual's licence under another number.
pub(crate) fn numbered(key_no: KeyNo) -> Licence {
    Licence { key_no, ..licence() }
}
