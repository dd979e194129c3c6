//! The three commands of CTAP 2 that carriers need, over a channel: what a key is, a new credential, an assertion.

use std::time::Duration;

use ciborium::Value;
use sha2::{Digest, Sha256};

use super::super::CarrierError;
use super::cbor::{Map, encode, map, named};
use super::channel::{Channel, OnStatus, Patience, Transport};
use super::cose::{ALGORITHMS, CoseKey};
use super::frame;
use super::refusal::{INVALID_CREDENTIAL, NO_CREDENTIALS, Refusal};

/// The relying party that all credentials of licences belong to.
pub(super) const RELYING_PARTY: &str = "keynode";

const MAKE_CREDENTIAL: u8 = 0x01;
const GET_ASSERTION: u8 = 0x02;
const GET_INFO: u8 = 0x04;

/// An answer without anybody's help. The roster waits as long for a sign of life.
const SILENT: Patience = Patience {
    silence: Duration::from_millis(900),
    answer: Duration::from_secs(10),
};
/// Somebody has to find the key and to touch it; keys give up after half a minute.
const TOUCHED: Patience = Patience {
    silence: Duration::from_secs(3),
    answer: Duration::from_secs(40),
};

/// Bytes of a request beside the credentials that it names, and of each of them beside its id, at most.
const REQUEST: usize = 160;
const DESCRIPTOR: usize = 32;
/// What a key takes where it does not say.
const SHORTEST_LIMIT: usize = 1024;
/// No key needs more credentials named at once.
const LONGEST_LIST: usize = 64;

/// What a key tells of itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Info {
    message: usize,
    list: usize,
    id_length: Option<usize>,
}

impl Info {
    fn read(answer: &Map) -> Self {
        let limit = |key| answer.number(key).and_then(|limit| usize::try_from(limit).ok());
        Self {
            message: limit(0x05)
                .unwrap_or(SHORTEST_LIMIT)
                .clamp(SHORTEST_LIMIT, frame::LONGEST),
            list: limit(0x07).unwrap_or(1).clamp(1, LONGEST_LIST),
            id_length: limit(0x08),
        }
    }

    /// Whether it could have made a credential with this id.
    pub(super) fn knows_length(&self, id: &[u8]) -> bool {
        self.id_length.is_none_or(|longest| id.len() <= longest)
    }

    /// Cuts a list of ids into pieces that it takes in one request.
    pub(super) fn pieces<'i>(&self, ids: &[&'i [u8]]) -> Vec<Vec<&'i [u8]>> {
        let mut pieces: Vec<Vec<&[u8]>> = Vec::new();
        let mut room = 0;
        for id in ids {
            let size = id.len() + DESCRIPTOR;
            match pieces.last_mut() {
                Some(piece) if size <= room && piece.len() < self.list => piece.push(id),
                _ => {
                    pieces.push(vec![id]);
                    room = self.message.saturating_sub(REQUEST);
                }
            }
            room = room.saturating_sub(size);
        }
        pieces
    }
}

/// What a key signed.
#[derive(Clone, Debug)]
pub(super) struct Assertion {
    /// Whose signature it is.
    pub(super) id: Vec<u8>,
    data: Vec<u8>,
    signature: Vec<u8>,
}

impl Assertion {
    /// As one text: the length of the authenticator data (2 bytes, the high one first), these data, the signature.
    pub(super) fn text(&self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.data.len()).ok()?;
        Some([&length.to_be_bytes()[..], &self.data, &self.signature].concat())
    }

    /// Reads what [`Assertion::text`] wrote of an assertion by this credential.
    pub(super) fn read(id: &[u8], text: &[u8]) -> Option<Self> {
        let (length, rest) = text.split_first_chunk()?;
        let (data, signature) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        Some(Self {
            id: id.to_vec(),
            data: data.to_vec(),
            signature: signature.to_vec(),
        })
    }

    /// Whether it answers this challenge with the private key of this public key.
    pub(super) fn proves(&self, key: &CoseKey, challenge: &[u8; 32]) -> bool {
        let ours = self.data.starts_with(&Sha256::digest(RELYING_PARTY));
        ours && key.verifies(&[&self.data[..], challenge].concat(), &self.signature)
    }
}

/// A new credential.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) id: Vec<u8>,
    pub(super) key: CoseKey,
}

/// A key that speaks CTAP 2.
pub(super) struct Authenticator<T> {
    channel: Channel<T>,
}

impl<T: Transport> Authenticator<T> {
    /// Opens a channel to it.
    ///
    /// # Errors
    /// As [`Channel::open`].
    pub(super) fn open(transport: T) -> Result<Self, CarrierError> {
        let channel = Channel::open(transport)?;
        Ok(Self { channel })
    }

    /// Asks what it is.
    pub(super) fn info(&mut self, on_status: OnStatus<'_>) -> Result<Info, Refusal> {
        let answer = self.ask(&[GET_INFO], SILENT, on_status)?;
        Ok(Info::read(&answer))
    }

    /// Asks for a signature by one of these credentials, of which the key chooses; none: it has none of them. Nobody is
    /// to touch it.
    pub(super) fn assertion(
        &mut self,
        ids: &[&[u8]],
        challenge: &[u8; 32],
        on_status: OnStatus<'_>,
    ) -> Result<Option<Assertion>, Refusal> {
        let descriptors = ids.iter().map(|id| {
            let id = Value::Bytes(id.to_vec());
            named([("id", id), ("type", "public-key".into())])
        });
        let request = encode(map([
            (1, RELYING_PARTY.into()),
            (2, Value::Bytes(challenge.to_vec())),
            (3, Value::Array(descriptors.collect())),
            (5, named([("up", false.into())])),
        ]));
        let answer = match self.ask(&[&[GET_ASSERTION], &request[..]].concat(), SILENT, on_status) {
            Err(Refusal::Status(NO_CREDENTIALS)) => return Ok(None),
            // What older keys say of an id that they cannot read, whatever else is in the list.
            Err(Refusal::Status(INVALID_CREDENTIAL)) => return self.any_of(ids, challenge, on_status),
            answer => answer?,
        };
        let id = answer
            .map(1)
            .and_then(|credential| credential.named_bytes("id").map(Vec::from));
        let only = || <[&[u8]; 1]>::try_from(ids).ok().map(|[id]| id.to_vec());
        let id = id.or_else(only);
        match (answer.bytes(2), answer.bytes(3)) {
            (Some(data), Some(signature)) => Ok(Some(Assertion {
                id: id.unwrap_or_default(),
                data: data.to_vec(),
                signature: signature.to_vec(),
            })),
            _ => Err(CarrierError::Protocol("its assertion is incomplete".into()).into()),
        }
    }

    /// As [`Authenticator::assertion`], asked for one after the other.
    fn any_of(
        &mut self,
        ids: &[&[u8]],
        challenge: &[u8; 32],
        on_status: OnStatus<'_>,
    ) -> Result<Option<Assertion>, Refusal> {
        let several = Some(ids).filter(|ids| ids.len() > 1);
        for id in several.into_iter().flatten() {
            if let Some(assertion) = self.assertion(&[id], challenge, on_status)? {
                return Ok(Some(assertion));
            }
        }
        Ok(None)
    }

    /// Has it make a credential, for which somebody must touch it. A resident one takes a place in its memory.
    pub(super) fn make_credential(
        &mut self,
        user: &[u8; 16],
        challenge: &[u8; 32],
        resident: bool,
        on_status: OnStatus<'_>,
    ) -> Result<Made, Refusal> {
        let algorithms =
            ALGORITHMS.map(|algorithm| named([("alg", algorithm.into()), ("type", "public-key".into())]));
        let relying_party = [("id", RELYING_PARTY.into()), ("name", RELYING_PARTY.into())];
        let user = [
            ("id", Value::Bytes(user.to_vec())),
            ("name", "licence".into()),
            ("displayName", "licence".into()),
        ];
        let mut request = vec![
            (1.into(), Value::Bytes(challenge.to_vec())),
            (2.into(), named(relying_party)),
            (3.into(), named(user)),
            (4.into(), Value::Array(algorithms.into())),
        ];
        if resident {
            request.push((7.into(), named([("rk", true.into())])));
        }
        let request = [&[MAKE_CREDENTIAL], &encode(Value::Map(request))[..]].concat();
        let answer = self.ask(&request, TOUCHED, on_status)?;
        let made = answer.bytes(2).and_then(attested);
        made.ok_or_else(|| CarrierError::Protocol("the credential that it made cannot be read".into()).into())
    }

    fn ask(&mut self, request: &[u8], patience: Patience, on_status: OnStatus<'_>) -> Result<Map, Refusal> {
        let answer = self.channel.ask(request, patience, on_status)?;
        match answer.split_first() {
            None => Err(CarrierError::Short.into()),
            Some((0, answer)) => Ok(Map::read(answer)?),
            Some((status, _)) => Err(Refusal::Status(*status)),
        }
    }
}

/// The credential in authenticator data: after the hash of the relying party (32 bytes), flags, counter (4) and AAGUID
/// (16) the length of the id (2), the id, the key.
fn attested(data: &[u8]) -> Option<Made> {
    const HAS_CREDENTIAL: u8 = 0x40;
    let (head, rest) = data.split_at_checked(32 + 1 + 4 + 16)?;
    if !head.starts_with(&Sha256::digest(RELYING_PARTY)) || head[32] & HAS_CREDENTIAL == 0 {
        return None;
    }
    let (length, rest) = rest.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (id, key) = rest.split_at_checked(length)?;
    Some(Made {
        id: id.to_vec(),
        key: CoseKey::read(key)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(entries: [(i64, Value); 2]) -> Info {
        Info::read(&Map::read(&encode(map(entries))).unwrap())
    }

    #[test]
    fn lists_are_cut_as_the_key_can_take_them() {
        let ids: Vec<Vec<u8>> = (0..10).map(|number| vec![number; 100]).collect();
        let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
        let sizes = |info: Info| -> Vec<usize> { info.pieces(&ids).iter().map(Vec::len).collect() };
        assert_eq!(sizes(Info::read(&Map::default())), [1; 10]);
        assert_eq!(sizes(info([(5, 1200.into()), (7, 4.into())])), [4, 4, 2]);
        assert_eq!(sizes(info([(5, 1200.into()), (7, 100.into())])), [7, 3]);
        assert_eq!(sizes(info([(5, (-1).into()), (7, (-1).into())])), [1; 10]);
    }

    #[test]
    fn no_request_is_longer_than_the_protocol_can_carry() {
        let ids = vec![[7; 255]; 64];
        let ids: Vec<&[u8]> = ids.iter().map(<[u8; 255]>::as_slice).collect();
        let pieces = info([(5, 1_000_000.into()), (7, 64.into())]).pieces(&ids);
        assert_eq!(pieces.concat().len(), ids.len());
        for piece in pieces {
            let message = vec![0; REQUEST + piece.len() * (255 + DESCRIPTOR)];
            assert!(
                frame::split(1, frame::CBOR, &message).is_some(),
                "{}",
                piece.len()
            );
        }
    }

    #[test]
    fn a_credential_that_is_cut_off_or_of_another_is_none() {
        let key = CoseKey::Es256 {
            x: [1; 32],
            y: [2; 32],
        };
        let mut data = Sha256::digest(RELYING_PARTY).to_vec();
        data.push(0x41);
        data.extend([0; 4 + 16]);
        data.extend([0, 3, 7, 8, 9]);
        data.extend(
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, key.text()).unwrap(),
        );
        let made = attested(&data).unwrap();
        assert_eq!((made.id, made.key), (vec![7, 8, 9], key));
        for length in 0..data.len() {
            assert!(attested(&data[..length]).is_none(), "{length}");
        }
        data[0] ^= 1;
        assert!(attested(&data).is_none());
    }
}
