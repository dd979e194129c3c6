//! What a licence is: its record, validity, binding, verdict, codes and file format. Pure: no input or output,
//! no clock; time and the state of the world come in as values.

pub mod binding;
mod code;
mod jws;
mod receipt;
mod record;
mod revocation;
mod tax;
mod timestamp;
mod validity;
mod vendor;
mod verdict;

pub use code::{ActivationCode, BadCode};
pub use jws::{
    MAX_FILE, Notice, OpenFailure, Unsigned, inspect, open, open_notice, open_signed, seal, seal_notice,
};
pub use receipt::Receipt;
pub use record::{
    BadKeyId, BadLicence, FORMAT_VERSION, KeyId, KeyNo, KeyType, Licence, MAX_KEY_NO, parse_file_name,
};
pub use revocation::{Revocation, RevocationReason, Revocations};
pub use tax::{BadIec, BadItn, Iec, Itn};
pub use timestamp::{BadTimestamp, DAY, Timestamp};
pub use vendor::{BadVendorKey, VendorKey, VendorKeys};
pub use verdict::{CLOCK_TOLERANCE, Circumstances, Verdict, judge, judge_blank};

#[cfg(test)]
pub(crate) mod tests {
    //! A licence and a vendor for the tests of this layer and of those above it.

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey};

    use super::binding::Binding;
    use super::*;

    pub(crate) struct TestKey(RsaKeyPair);

    impl TestKey {
        pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
            let mut signature = vec![0; self.0.public_modulus_len()];
            self.0
                .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                .unwrap();
            signature
        }
    }

    pub(crate) fn vendor_key() -> TestKey {
        let pem = include_str!("../../tests/fixtures/vendor.key.pem");
        let der = RsaPrivateKey::from_pkcs8_pem(pem)
            .unwrap()
            .to_pkcs8_der()
            .unwrap();
        TestKey(RsaKeyPair::from_pkcs8(der.as_bytes()).unwrap())
    }

    pub(crate) fn vendor_public() -> VendorKey {
        VendorKey::from_pem(include_str!("../../tests/fixtures/vendor.pub.pem")).unwrap()
    }

    pub(crate) fn licence() -> Licence {
        Licence {
            version: FORMAT_VERSION.into(),
            key_no: 7_131_766,
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
            article_name: "Тестовая номенклатура".into(),
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
}
