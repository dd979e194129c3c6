//! Writes the text format of Prometheus, version 0.0.4: families of samples with labels, numbers and histograms.

use std::fmt::{Display, Write};

use crate::measure::{BOUNDS, Noted};

/// What is written so far.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a family of numbers that go up and down.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "gauge")
    }

    /// Begins a family of numbers that only grow; the name ends with `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "counter")
    }

    /// Begins a family of histograms of seconds; the name ends with `_seconds`.
    pub(super) fn times(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "histogram")
    }

    fn family(&mut self, name: &'static str, help: &str, kind: &str) -> Family<'_> {
        push(
            &mut self.0,
            format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
        );
        Family {
            out: &mut self.0,
            name,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Labels with their values.
type Labels<'l> = &'l [(&'l str, &'l str)];

/// A family that is being written.
pub(super) struct Family<'p> {
    out: &'p mut String,
    name: &'static str,
}

impl Family<'_> {
    /// One number.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.write("", labels, None, value);
    }

    /// One number without labels.
    pub(super) fn is(&mut self, value: impl Display) {
        self.sample(&[], value);
    }

    /// 1 or 0.
    pub(super) fn flag(&mut self, labels: Labels<'_>, value: bool) {
        self.sample(labels, u8::from(value));
    }

    /// One histogram.
    pub(super) fn noted(&mut self, labels: Labels<'_>, noted: &Noted) {
        let mut so_far = 0;
        for (class, count) in noted.classes.iter().enumerate() {
            so_far += count;
            let bound = BOUNDS.get(class).map(|nanos| seconds(u128::from(*nanos)));
            let bound = bound.unwrap_or_else(|| "+Inf".into());
            self.write("_bucket", labels, Some(("le", &bound)), so_far);
        }
        self.write("_sum", labels, None, seconds(noted.sum.as_nanos()));
        self.write("_count", labels, None, so_far);
    }

    fn write(&mut self, suffix: &str, labels: Labels<'_>, last: Option<(&str, &str)>, value: impl Display) {
        self.out.push_str(self.name);
        self.out.push_str(suffix);
        let mut before = "{";
        for (name, value) in labels.iter().copied().chain(last) {
            push(self.out, format_args!("{before}{name}=\"{}\"", escaped(value)));
            before = ",";
        }
        if before == "," {
            self.out.push('}');
        }
        push(self.out, format_args!(" {value}\n"));
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a string takes everything");
}

/// Nanoseconds as seconds, without a digit too many and none lost.
fn seconds(nanos: u128) -> String {
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let text = format!("{whole}.{rest:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A value as it stands between quotes. Characters that would disturb whoever reads it are left out.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for char in value.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            char if char.is_control() => {}
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_family_has_a_head_and_samples() {
        let mut page = Page::default();
        let mut family = page.gauge("keynode_seats", "Seats.");
        family.sample(&[("series", "672B"), ("odd", "a\"b\\c\nd")], 5);
        family.is(7.5);
        assert_eq!(
            page.into_text(),
            "# HELP keynode_seats Seats.\n# TYPE keynode_seats gauge\n\
             keynode_seats{series=\"672B\",odd=\"a\\\"b\\\\cd\"} 5\nkeynode_seats 7.5\n"
        );
    }

    #[test]
    fn a_histogram_adds_up() {
        let times = crate::measure::Times::default();
        for millis in [1, 2, 20_000] {
            times.note(Duration::from_millis(millis));
        }
        let mut page = Page::default();
        page.times("t_seconds", "Times.")
            .noted(&[("key", "software")], &times.read());
        let text = page.into_text();
        for line in [
            "t_seconds_bucket{key=\"software\",le=\"0.00005\"} 0",
            "t_seconds_bucket{key=\"software\",le=\"0.001\"} 1",
            "t_seconds_bucket{key=\"software\",le=\"0.0025\"} 2",
            "t_seconds_bucket{key=\"software\",le=\"10\"} 2",
            "t_seconds_bucket{key=\"software\",le=\"+Inf\"} 3",
            "t_seconds_sum{key=\"software\"} 20.003",
            "t_seconds_count{key=\"software\"} 3",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
    }
}
