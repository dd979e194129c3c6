//! GOST R 34.10-2012 by the textbook, for tests only: it is slow, and its time tells the key.

use num_bigint::BigUint;

/// A curve `y^2 = x^3 + a x + b` over the field of `p`, and a point of order `q` on it.
pub(crate) struct Curve {
    /// Bytes of a coordinate.
    pub(crate) size: usize,
    p: BigUint,
    a: BigUint,
    q: BigUint,
    base: (BigUint, BigUint),
}

/// A point; none: the one at infinity.
type Point = Option<(BigUint, BigUint)>;

/// Object identifiers, p, a, q, x, y.
type Parameters = (&'static [&'static str], [&'static str; 5]);

/// RFC 4357, section 11.4, and RFC 7836, appendix A. `paramSetB` is CryptoPro's A under another name.
const CURVES: [Parameters; 3] = [
    (
        &["1.2.643.2.2.35.1", "1.2.643.2.2.36.0", "1.2.643.7.1.2.1.1.2"],
        [
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD94",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893",
            "1",
            "8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14",
        ],
    ),
    (
        &["1.2.643.7.1.2.1.1.1"],
        [
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97",
            "C2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335",
            "400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67",
            "91E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28",
            "32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C",
        ],
    ),
    (
        &["1.2.643.7.1.2.1.2.1"],
        [
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC7",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC4",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275",
            "3",
            "7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4",
        ],
    ),
];

impl Curve {
    /// The curve of this parameter set.
    pub(crate) fn of(oid: &str) -> Option<Self> {
        let (_, numbers) = CURVES.iter().find(|(oids, _)| oids.contains(&oid))?;
        let [p, a, q, x, y] = numbers.map(|text| BigUint::parse_bytes(text.as_bytes(), 16).unwrap());
        let size = usize::try_from(p.bits()).unwrap() / 8;
        Some(Self {
            size,
            p,
            a,
            q,
            base: (x, y),
        })
    }

    fn add(&self, one: &Point, other: &Point) -> Point {
        let (Some((x1, y1)), Some((x2, y2))) = (one, other) else {
            return one.clone().or_else(|| other.clone());
        };
        let minus = |from: &BigUint, what: &BigUint| (from + &self.p - what) % &self.p;
        let slope = if x1 != x2 {
            minus(y2, y1) * minus(x2, x1).modinv(&self.p)?
        } else if y1 == y2 && *y1 != BigUint::ZERO {
            (x1 * x1 * 3_u32 + &self.a) * (y1 * 2_u32 % &self.p).modinv(&self.p)?
        } else {
            return None;
        } % &self.p;
        let x3 = minus(&minus(&(&slope * &slope % &self.p), x1), x2);
        let y3 = minus(&(slope * minus(x1, &x3) % &self.p), y1);
        Some((x3, y3))
    }

    fn times(&self, factor: &BigUint, point: &Point) -> Point {
        let mut sum = None;
        for bit in (0..factor.bits()).rev() {
            sum = self.add(&sum, &sum);
            if factor.bit(bit) {
                sum = self.add(&sum, point);
            }
        }
        sum
    }

    fn base(&self) -> Point {
        Some(self.base.clone())
    }

    /// Public key of a private key (little-endian): x and y, little-endian, as certificates have it.
    pub(crate) fn public(&self, private: &[u8]) -> Vec<u8> {
        self.little(self.times(&BigUint::from_bytes_le(private), &self.base()))
    }

    /// VKO: this factor times the private key times the other's public key; x and y, little-endian.
    pub(crate) fn agree(&self, private: &[u8], factor: &[u8], public: &[u8]) -> Vec<u8> {
        let factor = BigUint::from_bytes_le(factor) * BigUint::from_bytes_le(private) % &self.q;
        self.little(self.times(&factor, &self.point(public)))
    }

    fn little(&self, point: Point) -> Vec<u8> {
        let (x, y) = point.unwrap();
        let mut bytes = x.to_bytes_le();
        bytes.resize(self.size, 0);
        bytes.extend(y.to_bytes_le());
        bytes.resize(2 * self.size, 0);
        bytes
    }

    fn point(&self, public: &[u8]) -> Point {
        let (x, y) = public.split_at(self.size);
        Some((BigUint::from_bytes_le(x), BigUint::from_bytes_le(y)))
    }

    /// The digest as a number: little-endian.
    fn digest(&self, digest: &[u8]) -> BigUint {
        let e = BigUint::from_bytes_le(digest) % &self.q;
        if e == BigUint::ZERO {
            BigUint::from(1_u32)
        } else {
            e
        }
    }

    /// Signs a digest: s and r, big-endian. `random` has as many bytes as a coordinate; a bad one gives no signature.
    pub(crate) fn sign(&self, private: &[u8], digest: &[u8], random: &[u8]) -> Option<Vec<u8>> {
        let k = BigUint::from_bytes_le(random) % &self.q;
        let r = self.times(&k, &self.base())?.0 % &self.q;
        let s = (&r * BigUint::from_bytes_le(private) + k * self.digest(digest)) % &self.q;
        if r == BigUint::ZERO || s == BigUint::ZERO {
            return None;
        }
        let mut signature = vec![0; 2 * self.size];
        for (half, number) in signature.chunks_exact_mut(self.size).zip([s, r]) {
            let bytes = number.to_bytes_be();
            half[self.size - bytes.len()..].copy_from_slice(&bytes);
        }
        Some(signature)
    }

    /// Whether this signature of the digest is the public key's.
    pub(crate) fn verify(&self, public: &[u8], digest: &[u8], signature: &[u8]) -> bool {
        let (s, r) = signature.split_at(self.size);
        let (s, r) = (BigUint::from_bytes_be(s), BigUint::from_bytes_be(r));
        if [&s, &r]
            .into_iter()
            .any(|number| *number == BigUint::ZERO || *number >= self.q)
        {
            return false;
        }
        let Some(v) = self.digest(digest).modinv(&self.q) else {
            return false;
        };
        let z1 = s * &v % &self.q;
        let z2 = (&self.q - &r) * v % &self.q;
        let sum = self.add(
            &self.times(&z1, &self.base()),
            &self.times(&z2, &self.point(public)),
        );
        sum.is_some_and(|(x, _)| x % &self.q == r)
    }
}
