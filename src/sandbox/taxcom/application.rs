//! An application that the stand-in was sent, and what became of it.

/// Parameters that an application must have.
const MANDATORY: [&str; 6] = [
    "agencyED",
    "innED",
    "codeimnsED",
    "orgindED",
    "lastnameED",
    "firstnameED",
];

/// An application.
#[derive(Clone, Debug)]
pub(super) struct Application {
    number: String,
    subscriber: String,
    pub(super) status: &'static str,
    reason: String,
    fingerprint: String,
    /// What was sent, by the names on the wire.
    sent: Vec<(String, String)>,
}

impl Application {
    /// One that waits; or what is wrong with it.
    pub(super) fn read(
        number: usize,
        subscriber: &str,
        fingerprint: String,
        sent: &[(String, String)],
    ) -> Result<Self, String> {
        let value = |name: &str| {
            let found = sent.iter().find(|(own, _)| own == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let company = value("orgindED") == "ЮрЛицо";
        let mut mandatory: Vec<&str> = MANDATORY.to_vec();
        if company {
            mandatory.extend(["kppED", "ogrnED"]);
        }
        if let Some(name) = mandatory.into_iter().find(|name| value(name).is_empty()) {
            return Err(format!("Не заполнено поле {name}"));
        }
        if value("nameCertificateED").is_empty() || value("certificateED").is_empty() {
            return Err("Не указан сертификат".into());
        }
        let digits = |name: &str, count: usize| {
            let value = value(name);
            value.len() == count && value.bytes().all(|digit| digit.is_ascii_digit())
        };
        let ogrn = if company { 13 } else { 15 };
        let fits = digits("codeimnsED", 4)
            && (value("kppED").is_empty() || digits("kppED", 9))
            && (value("ogrnED").is_empty() || digits("ogrnED", ogrn));
        if !fits {
            return Err("Неверные реквизиты организации".into());
        }
        Ok(Self {
            number: format!("{:09}", number + 1),
            subscriber: subscriber.to_owned(),
            status: "notconsidered",
            reason: String::new(),
            fingerprint,
            sent: sent
                .iter()
                .filter(|(name, _)| name.ends_with("ED"))
                .cloned()
                .collect(),
        })
    }

    /// Takes or rejects it, where it waits.
    pub(super) fn decide(&mut self, rejected: Option<&str>) {
        if self.status != "notconsidered" {
            return;
        }
        if let Some(reason) = rejected {
            (self.status, self.reason) = ("rejected", reason.to_owned());
            return;
        }
        self.status = "obtained";
        if self.subscriber.is_empty() {
            self.subscriber = format!("2AL-00000000-0000-0000-0000-000{}", self.number);
        }
    }

    /// What a client is told of it.
    pub(super) fn told(&self) -> Vec<(&str, &str)> {
        let code = if self.status == "rejected" { "17" } else { "" };
        let sent = self
            .sent
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let own = [
            ("applicationStatusED", self.status),
            ("numberRequestED", &self.number),
            ("dateRequestED", "2026-03-02 10:00:00"),
            ("codeErrorED", code),
            ("textErrorED", &self.reason),
            ("certificatefingerprintED", &self.fingerprint),
            ("identifierTaxcomED", &self.subscriber),
        ];
        let sent = sent.filter(|(name, _)| *name != "identifierTaxcomED" && *name != "certificateED");
        sent.chain(own).collect()
    }
}
