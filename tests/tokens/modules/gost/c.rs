//! Hands values over as PKCS#11 does, for tests only.

use std::ptr::copy_nonoverlapping;
use std::slice::from_raw_parts;

use cryptoki_sys::{CK_RV, CK_ULONG, CKR_BUFFER_TOO_SMALL};

/// Text as PKCS#11 has it: padded with blanks.
pub(crate) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let length = text.len().min(N);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
    field
}

/// Answers with a list or bytes the way that PKCS#11 does: without a place only their number is told.
pub(crate) unsafe fn answer<T>(values: &[T], place: *mut T, room: *mut CK_ULONG) -> Result<(), CK_RV> {
    unsafe {
        let fits = *room >= values.len() as CK_ULONG;
        *room = values.len() as CK_ULONG;
        if place.is_null() {
            return Ok(());
        }
        if !fits {
            return Err(CKR_BUFFER_TOO_SMALL);
        }
        copy_nonoverlapping(values.as_ptr(), place, values.len());
    }
    Ok(())
}

/// What `C` handed over, of which an empty one may be null.
pub(crate) unsafe fn given<'a, T>(place: *const T, length: CK_ULONG) -> &'a [T] {
    let length = usize::try_from(length).unwrap();
    if length == 0 {
        &[]
    } else {
        unsafe { from_raw_parts(place, length) }
    }
}
