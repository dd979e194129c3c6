//! Request bodies: read whole, within limits of size and time.

use std::time::Duration;

use actix_web::web::Payload;
use futures_util::StreamExt;

use crate::activation::Refusal;

/// A body that is too large is read and thrown away up to so many times its limit, so that its sender gets to read why
/// it is refused.
const DRAINED: usize = 16;

/// For a whole body.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads a body of at most `most` bytes.
///
/// # Errors
/// [`Refusal::BadRequest`] where it is too large, too slow, or cut off.
pub(super) async fn read(mut payload: Payload, most: usize) -> Result<Vec<u8>, Refusal> {
    let refused = |why: String| Err(Refusal::BadRequest(why));
    let reading = async {
        let (mut body, mut length) = (Vec::new(), 0_usize);
        while let Some(chunk) = payload.next().await {
            let Ok(chunk) = chunk else {
                return refused("the body was cut off".into());
            };
            length += chunk.len();
            if length <= most {
                body.extend_from_slice(&chunk);
            } else if length > most * DRAINED {
                break;
            }
        }
        if length > most {
            return refused(format!("the body has more than {most} bytes"));
        }
        Ok(body)
    };
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(read) => read,
        Err(_) => refused("the body did not arrive in time".into()),
    }
}
