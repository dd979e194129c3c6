//! Public keys that prove nothing: for points of small order there are signatures that need no private key.

/// The y coordinates of all points of small order, little-endian, without the sign of x; 0 and 1 also as p and p + 1,
/// for not every verifier insists on y below p.
const SMALL_ORDER: [[u8; 32]; 7] = [
    ends(0x00, 0x00, 0x00),
    ends(0x01, 0x00, 0x00),
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Whether anybody can make signatures that verify under this Ed25519 public key.
pub(in crate::devices) fn is_weak(public_key: &[u8; 32]) -> bool {
    let mut y = *public_key;
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

    use super::*;

    #[test]
    fn keys_that_need_no_private_key_are_told_from_keys_that_do() {
        // R is the neutral point and s is 0: right whenever the hash is a multiple of the key's order.
        let mut made_up = [0; 64];
        made_up[0] = 1;
        let forged = |key: &[u8; 32]| {
            let key = UnparsedPublicKey::new(&ED25519, key);
            (0..60u8).any(|text| key.verify(&[text], &made_up).is_ok())
        };
        // p and p + 1 are refused by this verifier, or not: either will do.
        for (index, key) in SMALL_ORDER.iter().enumerate() {
            assert!((3..5).contains(&index) || forged(key), "{key:02x?}");
            let mut other_sign = *key;
            other_sign[31] |= 0x80;
            assert!(is_weak(key) && is_weak(&other_sign));
        }
        for seed in 0..8 {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            let key = pair.public_key().as_ref().try_into().unwrap();
            assert!(!is_weak(&key) && !forged(&key));
        }
    }
}
