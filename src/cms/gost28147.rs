//! GOST 28147-89 as it is used in messages (RFC 4357, RFC 7836): gamma with feedback and meshing of keys, and the
//! wrapping of keys. Only here, for messages of others that carry it still.

use der::asn1::ObjectIdentifier;
use zeroize::{Zeroize, Zeroizing};

use super::oid;

/// Substitution boxes, from the lowest four bits up.
type Boxes = [[u8; 16]; 8];

/// `id-tc26-gost-28147-param-Z`.
const TC26_Z: Boxes = [
    [12, 4, 6, 2, 10, 5, 11, 9, 14, 8, 13, 7, 0, 3, 15, 1],
    [6, 8, 2, 3, 9, 10, 5, 12, 1, 14, 4, 7, 11, 13, 0, 15],
    [11, 3, 5, 8, 2, 15, 10, 13, 14, 1, 7, 4, 12, 9, 6, 0],
    [12, 8, 2, 1, 13, 4, 15, 6, 7, 0, 10, 5, 3, 14, 9, 11],
    [7, 15, 5, 10, 8, 1, 6, 13, 0, 9, 3, 14, 11, 4, 2, 12],
    [5, 13, 15, 6, 9, 2, 12, 10, 11, 7, 8, 1, 4, 3, 14, 0],
    [8, 14, 2, 5, 6, 9, 1, 12, 15, 4, 11, 0, 13, 10, 3, 7],
    [1, 7, 14, 13, 0, 5, 8, 3, 4, 15, 10, 6, 9, 12, 11, 2],
];

/// `id-Gost28147-89-CryptoPro-A-ParamSet`.
const CRYPTOPRO_A: Boxes = [
    [9, 6, 3, 2, 8, 11, 1, 7, 10, 4, 14, 15, 12, 0, 13, 5],
    [3, 7, 14, 9, 8, 10, 15, 0, 5, 2, 6, 12, 11, 4, 13, 1],
    [14, 4, 6, 2, 11, 3, 13, 8, 12, 15, 5, 10, 0, 7, 1, 9],
    [14, 7, 10, 12, 13, 1, 3, 9, 0, 2, 11, 4, 15, 8, 5, 6],
    [11, 5, 1, 9, 8, 13, 15, 0, 14, 4, 2, 3, 12, 7, 10, 6],
    [3, 10, 13, 12, 1, 2, 0, 11, 7, 5, 9, 4, 8, 15, 14, 6],
    [1, 13, 2, 9, 7, 10, 6, 0, 8, 12, 4, 5, 15, 3, 11, 14],
    [11, 10, 15, 5, 0, 12, 14, 8, 6, 2, 3, 9, 1, 7, 13, 4],
];

/// What the key of a long message is decrypted to after each 1024 bytes (RFC 4357, section 2.3.2).
const MESHING: [u8; 32] = [
    0x69, 0x00, 0x72, 0x22, 0x64, 0xc9, 0x04, 0x23, 0x8d, 0x3a, 0xdb, 0x96, 0x46, 0xe9, 0x2a, 0xc4, 0x18,
    0xfe, 0xac, 0x94, 0x00, 0xed, 0x07, 0x12, 0xc0, 0x86, 0xdc, 0xc2, 0xef, 0x4c, 0xa9, 0x2b,
];

type Block = [u8; 8];
type Key = [u8; 32];

/// A parameter set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters(&'static Boxes);

impl Parameters {
    pub(super) fn by(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            oid::GOST_28147_TC26_Z => Some(Self(&TC26_Z)),
            oid::GOST_28147_CRYPTOPRO_A => Some(Self(&CRYPTOPRO_A)),
            _ => None,
        }
    }

    /// Decrypts a content in place.
    pub(super) fn decrypt(self, key: &Key, vector: Block, content: &mut [u8]) {
        let mut cipher = Cipher::new(self, key);
        let mut gamma = vector;
        for (index, block) in content.chunks_mut(8).enumerate() {
            if index > 0 && index % 128 == 0 {
                let mut next = Zeroizing::new(MESHING);
                cipher.decrypt_all(&mut next);
                cipher = Cipher::new(self, &next);
                gamma = cipher.encrypt(gamma);
            }
            let mask = cipher.encrypt(gamma);
            gamma[..block.len()].copy_from_slice(block);
            block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
    }

    /// Takes a key out of its wrapping (RFC 4357, section 6.4); none: the wrapping is not that of this key.
    pub(super) fn unwrap(
        self,
        shared: &Key,
        material: Block,
        wrapped: &Key,
        mac: [u8; 4],
    ) -> Option<Zeroizing<Key>> {
        let cipher = Cipher::new(self, &self.diversified(shared, material));
        let mut key = Zeroizing::new(*wrapped);
        cipher.decrypt_all(&mut key);
        (cipher.mac(material, &key) == mac).then_some(key)
    }

    /// A key that was agreed on, made another for each message (section 6.5).
    fn diversified(self, shared: &Key, material: Block) -> Zeroizing<Key> {
        let mut key = Zeroizing::new(*shared);
        for bits in material {
            let mut sums = [0_u32; 2];
            for (index, word) in key.chunks_exact(4).enumerate() {
                let sum = &mut sums[usize::from(bits >> index & 1 == 0)];
                *sum = sum.wrapping_add(little(word));
            }
            let cipher = Cipher::new(self, &key);
            let mut gamma = join(sums[0], sums[1]);
            for block in key.chunks_exact_mut(8) {
                let mask = cipher.encrypt(gamma);
                block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
                gamma.copy_from_slice(block);
            }
        }
        key
    }
}

/// The cipher with a key.
struct Cipher {
    boxes: &'static Boxes,
    words: [u32; 8],
}

impl Drop for Cipher {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

impl Cipher {
    fn new(parameters: Parameters, key: &Key) -> Self {
        let mut words = [0; 8];
        words
            .iter_mut()
            .zip(key.chunks_exact(4))
            .for_each(|(word, bytes)| *word = little(bytes));
        Self {
            boxes: parameters.0,
            words,
        }
    }

    /// Rounds with these words of the key; returns both halves.
    fn rounds(&self, block: Block, order: impl Iterator<Item = usize>) -> (u32, u32) {
        let (mut low, mut high) = (little(&block[..4]), little(&block[4..]));
        for word in order {
            let sum = low.wrapping_add(self.words[word]);
            let mut changed = 0;
            for (index, substitution) in self.boxes.iter().enumerate() {
                changed |= u32::from(substitution[(sum >> (4 * index) & 15) as usize]) << (4 * index);
            }
            (low, high) = (high ^ changed.rotate_left(11), low);
        }
        (low, high)
    }

    fn encrypt(&self, block: Block) -> Block {
        let (low, high) = self.rounds(block, (0..24).map(|round| round % 8).chain((0..8).rev()));
        join(high, low)
    }

    fn decrypt(&self, block: Block) -> Block {
        let (low, high) = self.rounds(block, (0..8).chain((0..24).map(|round| 7 - round % 8)));
        join(high, low)
    }

    /// Block by block.
    fn decrypt_all(&self, bytes: &mut Key) {
        for place in bytes.chunks_exact_mut(8) {
            let mut block = [0; 8];
            block.copy_from_slice(place);
            place.copy_from_slice(&self.decrypt(block));
        }
    }

    /// Authenticates a key: half of the rounds, each block added to what came before.
    fn mac(&self, vector: Block, key: &Key) -> [u8; 4] {
        let mut state = vector;
        for block in key.chunks_exact(8) {
            state
                .iter_mut()
                .zip(block)
                .for_each(|(byte, other)| *byte ^= other);
            let (low, high) = self.rounds(state, (0..16).map(|round| round % 8));
            state = join(low, high);
        }
        [state[0], state[1], state[2], state[3]]
    }
}

fn little(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
}

fn join(low: u32, high: u32) -> Block {
    (u64::from(high) << 32 | u64::from(low)).to_le_bytes()
}
