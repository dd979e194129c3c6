//! Tables as CSV, read from the books a page at a time: a long one holds neither memory nor the database.

use std::future::Future;
use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};

use super::error::VendorError;

/// Rows that are read at a time.
pub(super) const PAGE: u64 = 5_000;

/// A page: its rows, and what comes after it, where there is more.
pub(super) struct Page<const N: usize, A> {
    pub(super) rows: Vec<[String; N]>,
    pub(super) next: Option<A>,
}

/// Rows as CSV.
pub(super) fn csv<const N: usize>(head: Option<[&str; N]>, rows: &[[String; N]]) -> Bytes {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = head
        .map_or(Ok(()), |head| writer.write_record(head))
        .and_then(|()| rows.iter().try_for_each(|row| writer.write_record(row)));
    // Memory takes everything, and all rows have the same number of fields.
    debug_assert!(written.is_ok());
    writer.into_inner().unwrap_or_default().into()
}

/// An answer in CSV.
pub(super) fn answer(name: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    response
}

/// A whole table: `read` gets where a page begins.
pub(super) async fn stream<const N: usize, A, F, R>(
    name: &str,
    head: [&'static str; N],
    start: A,
    read: F,
) -> Result<HttpResponse, VendorError>
where
    A: 'static,
    F: Fn(A) -> R + 'static,
    R: Future<Output = Result<Page<N, A>, VendorError>> + 'static,
{
    // The first page is read before the answer begins, so that what is wrong can still be said.
    let first = read(start).await?;
    let begun = csv(Some(head), &first.rows);
    let read = Rc::new(read);
    let rest = stream::unfold(first.next, move |next| {
        let read = read.clone();
        async move {
            Some(match read(next?).await {
                Ok(page) => (Ok(csv(None, &page.rows)), page.next),
                // Cut off: the reader notices that the end is missing.
                Err(error) => (Err(error), None),
            })
        }
    });
    let whole = stream::once(async move { Ok::<_, VendorError>(begun) }).chain(rest);
    Ok(answer(name).streaming(whole))
}
