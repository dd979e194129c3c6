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

/// A point in Jacobian coordinates: (x / z^2, y / z^3); with z = 0 the one at infinity. Only the end divides, which is slow.
#[derive(Clone)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
}

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
    #[expect(clippy::many_single_char_names, reason = "the names of the standard")]
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

    fn times_mod(&self, one: &BigUint, other: &BigUint) -> BigUint {
        one * other % &self.p
    }

    fn minus(&self, from: &BigUint, what: &BigUint) -> BigUint {
        (from + &self.p - what) % &self.p
    }

    fn doubled(&self, point: &Point) -> Point {
        let Point { x, y, z } = point;
        let square = self.times_mod(y, y);
        let s = self.times_mod(x, &square) * 4_u32 % &self.p;
        let z2 = self.times_mod(z, z);
        let m = (x * x * 3_u32 + &self.a * self.times_mod(&z2, &z2)) % &self.p;
        let x3 = self.minus(&self.times_mod(&m, &m), &(&s * 2_u32 % &self.p));
        let fourth = self.times_mod(&square, &square) * 8_u32 % &self.p;
        Point {
            y: self.minus(&self.times_mod(&m, &self.minus(&s, &x3)), &fourth),
            z: y * z * 2_u32 % &self.p,
            x: x3,
        }
    }

    fn add(&self, one: &Point, other: &Point) -> Point {
        if one.z == BigUint::ZERO {
            return other.clone();
        }
        if other.z == BigUint::ZERO {
            return one.clone();
        }
        let (z1, z2) = (self.times_mod(&one.z, &one.z), self.times_mod(&other.z, &other.z));
        let (u1, u2) = (self.times_mod(&one.x, &z2), self.times_mod(&other.x, &z1));
        let s1 = self.times_mod(&one.y, &self.times_mod(&z2, &other.z));
        let s2 = self.times_mod(&other.y, &self.times_mod(&z1, &one.z));
        let (h, r) = (self.minus(&u2, &u1), self.minus(&s2, &s1));
        if h == BigUint::ZERO && r == BigUint::ZERO {
            return self.doubled(one);
        }
        let h2 = self.times_mod(&h, &h);
        let h3 = self.times_mod(&h2, &h);
        let v = self.times_mod(&u1, &h2);
        let x = self.minus(&self.minus(&self.times_mod(&r, &r), &h3), &(&v * 2_u32 % &self.p));
        Point {
            y: self.minus(
                &self.times_mod(&r, &self.minus(&v, &x)),
                &self.times_mod(&s1, &h3),
            ),
            z: self.times_mod(&h, &self.times_mod(&one.z, &other.z)),
            x,
        }
    }

    fn times(&self, factor: &BigUint, point: &Point) -> Point {
        let mut sum = Point {
            z: BigUint::ZERO,
            ..point.clone()
        };
        for bit in (0..factor.bits()).rev() {
            sum = self.doubled(&sum);
            if factor.bit(bit) {
                sum = self.add(&sum, point);
            }
        }
        sum
    }

    /// x and y; none of the point at infinity.
    fn plain(&self, point: &Point) -> Option<(BigUint, BigUint)> {
        let inverse = point.z.modinv(&self.p)?;
        let square = self.times_mod(&inverse, &inverse);
        let y = self.times_mod(&point.y, &self.times_mod(&square, &inverse));
        Some((self.times_mod(&point.x, &square), y))
    }

    fn base(&self) -> Point {
        let (x, y) = self.base.clone();
        Point {
            x,
            y,
            z: 1_u32.into(),
        }
    }

    /// Public key of a private key (little-endian): x and y, little-endian, as certificates have it.
    pub(crate) fn public(&self, private: &[u8]) -> Vec<u8> {
        self.little(&self.times(&BigUint::from_bytes_le(private), &self.base()))
    }

    /// VKO: this factor times the private key times the other's public key; x and y, little-endian.
    pub(crate) fn agree(&self, private: &[u8], factor: &[u8], public: &[u8]) -> Vec<u8> {
        let factor = BigUint::from_bytes_le(factor) * BigUint::from_bytes_le(private) % &self.q;
        self.little(&self.times(&factor, &self.point(public)))
    }

    fn little(&self, point: &Point) -> Vec<u8> {
        let (x, y) = self.plain(point).unwrap();
        let mut bytes = x.to_bytes_le();
        bytes.resize(self.size, 0);
        bytes.extend(y.to_bytes_le());
        bytes.resize(2 * self.size, 0);
        bytes
    }

    fn point(&self, public: &[u8]) -> Point {
        let (x, y) = public.split_at(self.size);
        let number = BigUint::from_bytes_le;
        Point {
            x: number(x),
            y: number(y),
            z: 1_u32.into(),
        }
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
        let r = self.plain(&self.times(&k, &self.base()))?.0 % &self.q;
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
        self.plain(&sum).is_some_and(|(x, _)| x % &self.q == r)
    }
}
