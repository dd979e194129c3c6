//! Which sessions are listed, in what order: the API does the work.

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::licence::KeyNo;

/// Filters; those that are given must all fit, each whole and in any case.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Filter {
    /// Only those on keys of this series (KeyID)
    #[arg(long, value_name = "KEYID")]
    series: Option<String>,
    /// Only those on this key
    #[arg(long, value_name = "KEYNO")]
    key: Option<KeyNo>,
    /// Only those of this user of the application
    #[arg(long, value_name = "NAME")]
    user_name: Option<String>,
    /// Only those of this computer
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// Only those of this application
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Sort by this field of GET /api/sessions, such as `UserName`; with a minus before it: downwards
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
}

impl Filter {
    /// What to ask the node for.
    pub(super) fn path(&self) -> String {
        self.path_up_to(None)
    }

    /// The same, for no more than so many.
    pub(super) fn path_up_to(&self, limit: Option<usize>) -> String {
        let key = self.key.map(|key| key.to_string());
        let limit = limit.map(|limit| limit.to_string());
        let pairs = [
            ("KeyID", &self.series),
            ("UsedLicence", &key),
            ("UserName", &self.user_name),
            ("ComputerName", &self.computer),
            ("AppName", &self.app),
            ("_sort", &self.sort),
            ("_limit", &limit),
        ];
        let pairs = pairs.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/api/sessions{mark}{query}")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        filter: Filter,
    }

    #[test]
    fn filters_become_a_query_that_nothing_breaks_out_of() {
        let path = |words: &[&str]| {
            Cli::try_parse_from([&["x"], words].concat())
                .unwrap()
                .filter
                .path_up_to(None)
        };
        assert_eq!(path(&[]), "/api/sessions");
        assert_eq!(
            path(&["--series", "672B", "--key", "7", "--sort", "-UserName"]),
            "/api/sessions?KeyID=672B&UsedLicence=7&_sort=%2DUserName"
        );
        assert_eq!(
            path(&["--user-name", "a&b=c HTTP/1.1\r\nX: y"]),
            "/api/sessions?UserName=a%26b%3Dc%20HTTP%2F1%2E1%0D%0AX%3A%20y"
        );
    }
}
