//! Object identifiers, by the names that their standards give them.

use der::asn1::ObjectIdentifier;

macro_rules! oids {
    ($($name:ident = $text:literal),* $(,)?) => {
        $(pub(super) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*
    };
}

// Content types and attributes: RFC 5652, RFC 5083, RFC 5035.
oids! {
    DATA = "1.2.840.113549.1.7.1",
    SIGNED_DATA = "1.2.840.113549.1.7.2",
    ENVELOPED_DATA = "1.2.840.113549.1.7.3",
    AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23",
    CONTENT_TYPE = "1.2.840.113549.1.9.3",
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4",
    SIGNING_TIME = "1.2.840.113549.1.9.5",
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47",
}

// Keys, digests and signatures: RFC 8017, RFC 5480, RFC 5754, RFC 8410, RFC 9215.
oids! {
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1",
    SHA256_WITH_RSA_ENCRYPTION = "1.2.840.113549.1.1.11",
    SHA384_WITH_RSA_ENCRYPTION = "1.2.840.113549.1.1.12",
    SHA512_WITH_RSA_ENCRYPTION = "1.2.840.113549.1.1.13",
    RSAES_OAEP = "1.2.840.113549.1.1.7",
    EC_PUBLIC_KEY = "1.2.840.10045.2.1",
    PRIME256V1 = "1.2.840.10045.3.1.7",
    SECP384R1 = "1.3.132.0.34",
    ED25519 = "1.3.101.112",
    SHA1 = "1.3.14.3.2.26",
    SHA256 = "2.16.840.1.101.3.4.2.1",
    SHA384 = "2.16.840.1.101.3.4.2.2",
    SHA512 = "2.16.840.1.101.3.4.2.3",
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2",
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3",
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4",
    GOST_256_KEY = "1.2.643.7.1.1.1.1",
    GOST_512_KEY = "1.2.643.7.1.1.1.2",
    STREEBOG_256 = "1.2.643.7.1.1.2.2",
    STREEBOG_512 = "1.2.643.7.1.1.2.3",
    GOST_256_SIGNATURE = "1.2.643.7.1.1.3.2",
    GOST_512_SIGNATURE = "1.2.643.7.1.1.3.3",
}

// Ciphers: RFC 3565, RFC 5084, RFC 3370, RFC 4357, RFC 7836.
oids! {
    AES_128_CBC = "2.16.840.1.101.3.4.1.2",
    AES_192_CBC = "2.16.840.1.101.3.4.1.22",
    AES_256_CBC = "2.16.840.1.101.3.4.1.42",
    AES_128_GCM = "2.16.840.1.101.3.4.1.6",
    AES_192_GCM = "2.16.840.1.101.3.4.1.26",
    AES_256_GCM = "2.16.840.1.101.3.4.1.46",
    DES_EDE3_CBC = "1.2.840.113549.3.7",
    GOST_28147 = "1.2.643.2.2.21",
    GOST_28147_CRYPTOPRO_A = "1.2.643.2.2.31.1",
    GOST_28147_TC26_Z = "1.2.643.7.1.2.5.1.1",
}

// Extensions of certificates: RFC 5280.
oids! {
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14",
    KEY_USAGE = "2.5.29.15",
    BASIC_CONSTRAINTS = "2.5.29.19",
}

// Attributes of names: RFC 4519, and order 795 of the Russian Federal Security Service.
oids! {
    COMMON_NAME = "2.5.4.3",
    ORGANIZATION = "2.5.4.10",
    OGRN = "1.2.643.100.1",
    SNILS = "1.2.643.100.3",
    INNLE = "1.2.643.100.4",
    OGRNIP = "1.2.643.100.5",
    INN = "1.2.643.3.131.1.1",
}
