//! Objects of the GOST test token, for tests only: made of the files in its directory.

use std::fs;
use std::path::Path;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_FALSE, CK_TRUE, CK_ULONG, CKA_ALWAYS_AUTHENTICATE, CKA_ALWAYS_SENSITIVE,
    CKA_CERTIFICATE_TYPE, CKA_CLASS, CKA_DECRYPT, CKA_DERIVE, CKA_EXTRACTABLE, CKA_GOSTR3410_PARAMS, CKA_ID,
    CKA_KEY_TYPE, CKA_LABEL, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN,
    CKA_TOKEN, CKA_UNWRAP, CKA_VALUE, CKA_VERIFY, CKC_X_509, CKK_GOST28147, CKK_GOSTR3410, CKO_CERTIFICATE,
    CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};
use der::Encode;

use super::key::GostKey;

/// `CKK_GOSTR3410_512` of TC26.
const CKK_GOSTR3410_512: CK_ULONG = 0xD432_1003;

/// An object.
pub(crate) struct Object {
    attributes: Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>,
    /// The key of a private one.
    pub(crate) key: Option<GostKey>,
}

fn number(number: CK_ULONG) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

fn flag(flag: bool) -> Vec<u8> {
    vec![if flag { CK_TRUE } else { CK_FALSE }]
}

impl Object {
    /// Of a `NAME.key` and a `NAME.crt` each (PEM); the name is both label and ID.
    pub(crate) fn all(directory: &Path) -> Vec<Self> {
        let mut paths: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let mut objects = Vec::new();
        for path in paths {
            let kind = path.extension().and_then(|extension| extension.to_str());
            let name = path.file_stem().unwrap().to_str().unwrap();
            let contents = || der::pem::decode_vec(&fs::read(&path).unwrap()).unwrap().1;
            match kind {
                Some("key") => objects.extend(Self::pair(name, &contents())),
                Some("crt") => objects.push(Self::certificate(name, contents())),
                _ => {}
            }
        }
        objects
    }

    fn named(name: &str, class: CK_ULONG, more: Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>) -> Self {
        let mut attributes = vec![
            (CKA_CLASS, number(class)),
            (CKA_TOKEN, flag(true)),
            (CKA_LABEL, name.as_bytes().to_vec()),
            (CKA_ID, name.as_bytes().to_vec()),
            (CKA_PRIVATE, flag(class == CKO_PRIVATE_KEY)),
        ];
        attributes.extend(more);
        Self {
            attributes,
            key: None,
        }
    }

    fn pair(name: &str, pkcs8: &[u8]) -> [Self; 2] {
        let key = GostKey::read(pkcs8);
        let kind = if key.curve.size == 32 {
            CKK_GOSTR3410
        } else {
            CKK_GOSTR3410_512
        };
        let about = || {
            vec![
                (CKA_KEY_TYPE, number(kind)),
                (CKA_GOSTR3410_PARAMS, key.parameters.to_der().unwrap()),
            ]
        };
        let mut public = about();
        public.extend([
            (CKA_VALUE, key.curve.public(&key.private)),
            (CKA_VERIFY, flag(true)),
        ]);
        let mut private = about();
        private.extend([
            (CKA_SENSITIVE, flag(true)),
            (CKA_EXTRACTABLE, flag(false)),
            (CKA_ALWAYS_SENSITIVE, flag(true)),
            (CKA_NEVER_EXTRACTABLE, flag(true)),
            (CKA_ALWAYS_AUTHENTICATE, flag(false)),
            (CKA_LOCAL, flag(false)),
            (CKA_SIGN, flag(true)),
            (CKA_DECRYPT, flag(false)),
            (CKA_UNWRAP, flag(false)),
            (CKA_DERIVE, flag(true)),
        ]);
        let mut private = Self::named(name, CKO_PRIVATE_KEY, private);
        private.key = Some(key);
        [private, Self::named(name, CKO_PUBLIC_KEY, public)]
    }

    fn certificate(name: &str, der: Vec<u8>) -> Self {
        let more = vec![(CKA_CERTIFICATE_TYPE, number(CKC_X_509)), (CKA_VALUE, der)];
        Self::named(name, CKO_CERTIFICATE, more)
    }

    /// A key that was agreed on; only its value tells one from another.
    pub(crate) fn agreed(value: &[u8]) -> Self {
        let attributes = vec![
            (CKA_CLASS, number(CKO_SECRET_KEY)),
            (CKA_KEY_TYPE, number(CKK_GOST28147)),
            (CKA_TOKEN, flag(false)),
            (CKA_VALUE, value.to_vec()),
        ];
        Self {
            attributes,
            key: None,
        }
    }

    /// Leaves nothing of it.
    pub(crate) fn destroy(&mut self) {
        self.attributes.clear();
        self.key = None;
    }

    /// The attribute's value.
    pub(crate) fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|(known, _)| *known == kind);
        found.map(|(_, value)| value.as_slice())
    }

    /// Whether only who logged in sees it.
    pub(crate) fn is_private(&self) -> bool {
        self.key.is_some()
    }
}
