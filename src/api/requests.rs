//! How many requests were answered, by what they were about and how they ended. Both are few, whatever clients ask for.

use actix_web::http::StatusCode;

use crate::measure::Counter;

/// What requests are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Server,
    Licences,
    Sessions,
    Connections,
    Devices,
    Certificates,
    Services,
    Other,
}

impl Route {
    const ALL: [Self; 8] = [
        Self::Server,
        Self::Licences,
        Self::Sessions,
        Self::Connections,
        Self::Devices,
        Self::Certificates,
        Self::Services,
        Self::Other,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Licences => "licences",
            Self::Sessions => "sessions",
            Self::Connections => "connections",
            Self::Devices => "devices",
            Self::Certificates => "certificates",
            Self::Services => "services",
            Self::Other => "other",
        }
    }

    /// Of a path, which need not be one that the API knows.
    fn of(path: &str) -> Self {
        let Some(inner) = path.strip_prefix("/api") else {
            let drop_in = ["/hs/", "/rest/", "/public/"];
            let is_one = drop_in.iter().any(|prefix| path.starts_with(prefix));
            return if is_one { Self::Services } else { Self::Other };
        };
        let mut names = inner.split('/');
        match (names.next(), names.next().unwrap_or_default()) {
            (Some(""), "" | "serverinfo" | "publickey" | "rescan" | "openapi.json" | "usage") => Self::Server,
            (Some(""), "licences") => Self::Licences,
            (Some(""), "sessions") => Self::Sessions,
            (Some(""), "connections") => Self::Connections,
            (Some(""), "devices") => Self::Devices,
            (Some(""), "certificates") => Self::Certificates,
            (
                Some(""),
                "organizations" | "support-account" | "tickets" | "parameters" | "ismp" | "crpt" | "taxcom",
            ) => Self::Services,
            _ => Self::Other,
        }
    }
}

/// How requests end: the first digit of the status.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// How many requests were answered.
#[derive(Debug, Default)]
pub struct RequestCounts([[Counter; CLASSES.len()]; Route::ALL.len()]);

impl RequestCounts {
    pub(super) fn count(&self, path: &str, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.0[Route::of(path) as usize][class].count();
    }

    /// What they were about, the class of their status (`2xx`), and how many; those that there were none of too.
    pub fn read(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        Route::ALL.into_iter().flat_map(|route| {
            let counts = &self.0[route as usize];
            let classes = CLASSES.into_iter().zip(counts);
            classes.map(move |(class, count)| (route.name(), class, count.read()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_of_one_kind_and_unknown_ones_are_others() {
        for (path, route) in [
            ("/api", Route::Server),
            ("/api/", Route::Server),
            ("/api/serverinfo", Route::Server),
            ("/api/usage", Route::Server),
            ("/api/sessions/AF72", Route::Sessions),
            ("/api/sessions/", Route::Sessions),
            ("/api/ismp/session-keys", Route::Services),
            ("/hs/tickets", Route::Services),
            ("/apix/sessions", Route::Other),
            ("/api/x", Route::Other),
            ("/", Route::Other),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn all_that_was_answered_is_counted_once() {
        let counts = RequestCounts::default();
        counts.count("/api/sessions", StatusCode::CREATED);
        counts.count("/api/sessions", StatusCode::OK);
        counts.count("/nowhere", StatusCode::NOT_FOUND);
        let read: Vec<_> = counts.read().filter(|(_, _, count)| *count > 0).collect();
        assert_eq!(read, [("sessions", "2xx", 2), ("other", "4xx", 1)]);
    }
}
