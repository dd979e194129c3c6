//! Data answers: one object, or a list of them under a name.

use std::cmp::Ordering;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;

use futures_util::future::BoxFuture;

use super::error::ApiError;
use super::query::{Plan, Query};
use super::record::Record;
use crate::seats::DeskError;
use crate::store::Id;

/// An answer before it is signed.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
    /// The session that was made for this answer: it goes where the answer cannot.
    pub(super) made: Option<Id>,
    /// The audit row without which it may not go out; it is being written while the answer is signed.
    pub(super) kept: Option<Kept>,
}

/// A commit that is under way.
pub(super) type Kept = BoxFuture<'static, Result<(), DeskError>>;

impl Reply {
    /// 200 with this JSON.
    pub(super) fn json(body: Vec<u8>, query: &Query) -> Self {
        let body = if query.pretty { indented(&body) } else { body };
        Self {
            status: StatusCode::OK,
            headers: Vec::new(),
            body,
            made: None,
            kept: None,
        }
    }

    /// 200 with one object.
    pub(super) fn object(record: &impl Record, query: &Query) -> Result<Self, ApiError> {
        let places = selection(record, query)?;
        let mut body = Vec::with_capacity(2048);
        record.write(places.as_deref(), &mut body);
        Ok(Self::json(body, query))
    }

    /// 200 with a list that is at hand whole.
    pub(super) fn list<R: Record>(
        name: &str,
        records: impl Iterator<Item = R>,
        query: &Query,
    ) -> Result<Self, ApiError> {
        let plan = query.plan::<R>()?;
        let mut chosen: Vec<R> = records.filter(|record| plan.takes(record)).collect();
        sort(&plan, &mut chosen, |record| record);
        let mut list = ListWriter::new(name, query);
        for record in &chosen {
            if !list.push(record, &plan) {
                break;
            }
        }
        Ok(list.finish(query))
    }

    #[must_use]
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Says what has to be on disk before the answer goes out.
    #[must_use]
    pub(super) fn after(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Says that the answer tells of a new session.
    #[must_use]
    pub(super) fn made(mut self, session: Id) -> Self {
        self.made = Some(session);
        self
    }

    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

fn selection<R: Record>(_: &R, query: &Query) -> Result<Option<Vec<usize>>, ApiError> {
    query.places::<R>()
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self {
            status: error.status,
            body: error.body(),
            headers: error.headers,
            made: None,
            kept: None,
        }
    }
}

/// Sorts by the field that the plan names; equal ones stay in their order.
pub(super) fn sort<T, R: Record>(plan: &Plan, items: &mut [T], record: impl Fn(&T) -> &R) {
    if let Some((place, down)) = plan.sort {
        items.sort_by(|a, b| {
            let order: Ordering = record(a).value(place).order(&record(b).value(place));
            if down { order.reverse() } else { order }
        });
    }
}

/// Writes a list object by object, within `_offset` and `_limit`.
pub(super) struct ListWriter {
    body: Vec<u8>,
    skip: usize,
    left: usize,
    empty: bool,
}

impl ListWriter {
    pub(super) fn new(name: &str, query: &Query) -> Self {
        let body = format!("{{\"{name}\":[").into_bytes();
        Self {
            body,
            skip: query.offset,
            left: query.limit.unwrap_or(usize::MAX),
            empty: true,
        }
    }

    /// How many more objects it takes, those that it skips included.
    pub(super) fn wants(&self) -> usize {
        self.left
            .saturating_add(if self.left == 0 { 0 } else { self.skip })
    }

    /// Adds an object that passed the filters; false once it wants no more.
    pub(super) fn push(&mut self, record: &impl Record, plan: &Plan) -> bool {
        if self.left == 0 {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return true;
        }
        if !std::mem::take(&mut self.empty) {
            self.body.push(b',');
        }
        record.write(plan.places.as_deref(), &mut self.body);
        self.left -= 1;
        self.left > 0
    }

    pub(super) fn finish(mut self, query: &Query) -> Reply {
        self.body.extend_from_slice(b"]}");
        Reply::json(self.body, query)
    }
}

fn indented(compact: &[u8]) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(compact).expect("we wrote this JSON ourselves");
    let mut text = serde_json::to_vec_pretty(&value).expect("a value has a JSON form");
    text.push(b'\n');
    text
}
