//! A content's key that was encrypted for a GOST key (RFC 4490, section 4.2; RFC 9215): the sender made a key pair for this one
//! message, and both sides agree on a key that wraps the content's.

use std::fmt;

use zeroize::Zeroizing;

use super::error::Malformed;
use super::gost28147::Parameters;
use super::tlv::{BIT_STRING, OCTET_STRING, OID, Reader, SEQUENCE, context};

/// What the recipient needs to take the key out.
#[derive(Clone, PartialEq, Eq)]
pub struct GostTransport {
    /// The sender's public key for this message: x and y, little-endian, as tokens want it.
    pub public_key: Vec<u8>,
    /// The 8 bytes that go into the agreement.
    pub user_keying_material: [u8; 8],
    parameters: Parameters,
    wrapped: [u8; 32],
    mac: [u8; 4],
}

impl GostTransport {
    /// The key of the content. `shared` is what VKO GOST R 34.10-2012 of 256 bits gives with the recipient's private key, the
    /// public key and the material of this. None: the agreement is not the sender's.
    pub fn content_key(&self, shared: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
        let key = self
            .parameters
            .unwrap(shared, self.user_keying_material, &self.wrapped, self.mac)?;
        Some(Zeroizing::new(key.to_vec()))
    }

    /// The parameter of `CKM_GOSTR3410_12_DERIVE` for this agreement: no further derivation, the public key, the material, each
    /// number of four bytes, little-endian.
    pub fn derive_parameter(&self) -> Vec<u8> {
        // The public key was checked to be of 64 or 128 bytes.
        let length = if self.public_key.len() == 64 { 64_u32 } else { 128 };
        let no_derivation = 1_u32.to_le_bytes();
        let (material, its_length) = (&self.user_keying_material, 8_u32.to_le_bytes());
        [
            &no_derivation[..],
            &length.to_le_bytes(),
            &self.public_key,
            &its_length,
            material,
        ]
        .concat()
    }

    /// Reads `GostR3410-KeyTransport`.
    pub(super) fn read(encrypted_key: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("its GOST key is of a wrong length");
        let mut fields = Reader::only(encrypted_key, SEQUENCE)?.inner();
        let mut wrapped = fields.tagged(SEQUENCE)?.inner();
        let mut agreed = fields.tagged(context(0))?.inner();
        let parameters = Parameters::by(agreed.tagged(OID)?.oid()?);
        let mut ephemeral = agreed.tagged(context(0))?.inner();
        ephemeral.tagged(SEQUENCE)?;
        let point = ephemeral
            .tagged(BIT_STRING)?
            .value
            .strip_prefix(&[0])
            .ok_or(WRONG)?;
        let public_key = Reader::only(point, OCTET_STRING)?.value;
        if !matches!(public_key.len(), 64 | 128) {
            return Err(WRONG);
        }
        Ok(Self {
            public_key: public_key.to_vec(),
            user_keying_material: agreed.tagged(OCTET_STRING)?.value.try_into().map_err(|_| WRONG)?,
            parameters: parameters.ok_or(Malformed("its GOST key has parameters that are not supported"))?,
            wrapped: wrapped
                .tagged(OCTET_STRING)?
                .value
                .try_into()
                .map_err(|_| WRONG)?,
            mac: wrapped
                .tagged(OCTET_STRING)?
                .value
                .try_into()
                .map_err(|_| WRONG)?,
        })
    }
}

impl fmt::Debug for GostTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GostTransport(VKO of {} bits)", self.public_key.len() * 4)
    }
}
