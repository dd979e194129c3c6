//! What stands behind the question mark: filters, and how the answer is to look (spec, row 14).

use percent_encoding::percent_decode_str;

use super::error::ApiError;
use super::record::Record;

/// The parameters of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    filters: Vec<(String, String)>,
    fields: Option<Vec<String>>,
    sort: Option<(String, bool)>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) pretty: bool,
}

/// A query held against the fields of one kind of object.
pub(super) struct Plan {
    /// Place of a field, and the values of which one must fit.
    filters: Vec<(usize, Vec<String>)>,
    /// Places of the fields that are asked for.
    pub(super) places: Option<Vec<usize>>,
    /// Place of the field to sort by, and whether downwards.
    pub(super) sort: Option<(usize, bool)>,
}

impl Query {
    /// Reads a query string.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let number = || {
                let wrong =
                    |_| ApiError::bad_request(format!("{name}: expected a whole number, not \"{value}\"."));
                value.parse::<usize>().map_err(wrong)
            };
            match name.as_str() {
                "_fields" => {
                    let named = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                    query.fields = Some(named.map(str::to_owned).collect());
                }
                "_limit" => query.limit = Some(number()?),
                "_offset" => query.offset = number()?,
                "_sort" => {
                    let down = value.starts_with('-');
                    query.sort = Some((value.trim_start_matches('-').to_owned(), down));
                }
                "_pretty" => {
                    query.pretty = match value.as_str() {
                        "" | "true" | "1" => true,
                        "false" | "0" => false,
                        _ => return Err(ApiError::bad_request("_pretty: expected true or false.")),
                    };
                }
                other if other.starts_with('_') => {}
                _ => query.filters.push((name, value)),
            }
        }
        Ok(query)
    }

    /// The value of a parameter that is no filter of a list, such as those of DELETE /api/sessions.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.filters
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The same without a parameter that is no filter of this list.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut rest = self.clone();
        rest.filters.retain(|(own, _)| own != name);
        rest
    }

    /// Holds the query against the fields of a list's objects.
    pub(super) fn plan<R: Record>(&self) -> Result<Plan, ApiError> {
        let mut filters: Vec<(usize, Vec<String>)> = Vec::new();
        for (name, value) in &self.filters {
            let place = place::<R>(name)?;
            let value = value.to_lowercase();
            match filters.iter_mut().find(|(own, _)| *own == place) {
                Some((_, values)) => values.push(value),
                None => filters.push((place, vec![value])),
            }
        }
        let sort = match &self.sort {
            Some((name, down)) => Some((place::<R>(name)?, *down)),
            None => None,
        };
        Ok(Plan {
            filters,
            places: self.places::<R>()?,
            sort,
        })
    }

    /// The fields that are asked for, where `_fields` says so.
    pub(super) fn places<R: Record>(&self) -> Result<Option<Vec<usize>>, ApiError> {
        self.fields
            .as_ref()
            .map(|names| names.iter().map(|name| place::<R>(name)).collect())
            .transpose()
    }
}

impl Plan {
    /// There is nothing to compare.
    pub(super) fn takes_all(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether an object passes the filters: different fields AND, one field repeated OR.
    pub(super) fn takes(&self, record: &impl Record) -> bool {
        self.filters.iter().all(|(place, values)| {
            let value = record.value(*place).plain().to_lowercase();
            values.contains(&value)
        })
    }
}

fn place<R: Record>(name: &str) -> Result<usize, ApiError> {
    R::FIELDS.iter().position(|own| *own == name).ok_or_else(|| {
        let fields = R::FIELDS.join(", ");
        ApiError::bad_request(format!("There is no field \"{name}\" here. There are: {fields}."))
    })
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ApiError::bad_request("The query is not UTF-8."))
}
