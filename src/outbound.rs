//! The way out to servers of others over HTTP: proxy, authorities, time; and what went wrong on it, in words. What is asked,
//! and what an answer means, is known by who asks.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, Proxy};

/// The largest file of certificates, in bytes.
const LARGEST_CA: u64 = 1024 * 1024;

/// The longest time for a connection.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// Which way requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRule {
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    Environment,
    /// Directly, whatever the environment says.
    Direct,
    /// By this proxy.
    Address(String),
}

/// As the settings have it: nothing, `none`, or an address.
impl From<Option<&str>> for ProxyRule {
    fn from(setting: Option<&str>) -> Self {
        match setting {
            None => Self::Environment,
            Some("none") => Self::Direct,
            Some(address) => Self::Address(address.into()),
        }
    }
}

/// The way out that a section of the settings describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The section's name, for texts that name its settings: `ca`, `proxy`, `timeout`.
    pub section: &'static str,
    /// PEM file with certificates that vouch for the servers beside those of the system.
    pub ca: Option<PathBuf>,
    /// Which way requests go.
    pub proxy: ProxyRule,
    /// For a whole exchange.
    pub timeout: Duration,
    /// No setting changes that time.
    pub timeout_is_fixed: bool,
}

/// Whether what is asked there goes through TLS. Schemes may be written in capitals.
pub fn is_encrypted(address: &str) -> bool {
    let scheme = address.split(':').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// An exchange that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// In words; without the address, whose query may be secret.
    pub why: String,
    /// False: the server has certainly not seen the request.
    pub sent: bool,
}

impl Way {
    /// What a client of this way begins with. `encrypted`: some of what it asks is behind TLS.
    ///
    /// # Errors
    /// Which setting cannot be followed, and why.
    pub fn builder(&self, encrypted: bool) -> Result<ClientBuilder, String> {
        let section = self.section;
        let builder = ClientBuilder::new()
            .timeout(self.timeout)
            .connect_timeout(self.connect_timeout())
            // Requests are rare: a connection that was kept has been closed at the other end by then.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("keynode/", env!("CARGO_PKG_VERSION")));
        let authorities = match &self.ca {
            None => Vec::new(),
            Some(path) => {
                authorities(path).map_err(|why| format!("{section}.ca {}: {why}", path.display()))?
            }
        };
        // Without TLS there is nothing to look up in the system's certificates, which not every system has.
        let builder = if encrypted {
            builder.tls_certs_merge(authorities)
        } else {
            builder.tls_certs_only(authorities)
        };
        Ok(match &self.proxy {
            ProxyRule::Environment => builder,
            ProxyRule::Direct => builder.no_proxy(),
            ProxyRule::Address(address) => {
                let wrong = |_| format!("{section}.proxy is no address of a proxy");
                builder.no_proxy().proxy(Proxy::all(address).map_err(wrong)?)
            }
        })
    }

    /// For the connection, TLS too: less than for the whole, so that it shows that nothing was sent.
    fn connect_timeout(&self) -> Duration {
        LONGEST_CONNECT.min(self.timeout / 2)
    }

    /// Why there was no answer.
    pub fn unreached(&self, error: reqwest::Error) -> Unreached {
        // Before there is a connection nothing is sent, whatever ended the wait for it.
        let sent = !(error.is_connect() || error.is_builder());
        let why = if error.is_timeout() && !sent {
            "no connection to it was made in time".to_owned()
        } else if error.is_timeout() {
            let within = format!(
                "it did not answer within {}",
                humantime::format_duration(self.timeout)
            );
            if self.timeout_is_fixed {
                within
            } else {
                format!("{within} ({}.timeout)", self.section)
            }
        } else {
            self.words(error)
        };
        Unreached { why, sent }
    }

    /// An error in words; it is known by what caused it, which is at the end of a chain.
    pub fn words(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let mut deepest: &(dyn std::error::Error + 'static) = &error;
        let (mut lookup, mut tls) = (false, false);
        loop {
            let said = deepest.to_string();
            (lookup, tls) = (lookup || said == "dns error", tls || said.contains("tls"));
            if let Some(error) = deepest.downcast_ref() {
                return self.of_tls(error);
            }
            let failed = deepest.downcast_ref::<io::Error>();
            match failed.map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => return "the connection was refused".into(),
                Some(io::ErrorKind::ConnectionReset) => return "the connection was cut off".into(),
                _ => {}
            }
            // What an error of the system wraps is no source of it.
            let wrapped = failed.and_then(io::Error::get_ref);
            match wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)) {
                Some(inner) => deepest = inner,
                None => match deepest.source() {
                    Some(source) => deepest = source,
                    None => break,
                },
            }
        }
        let said = bounded(&deepest.to_string());
        match (lookup, tls) {
            (true, _) => format!("its name was not found (DNS): {said}"),
            (false, true) => format!("TLS: {said}"),
            (false, false) => said,
        }
    }

    fn of_tls(&self, error: &rustls::Error) -> String {
        match error {
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => format!(
                "TLS: nobody vouches for its certificate whom this computer or {}.ca trusts",
                self.section
            ),
            _ => format!("TLS: {}", bounded(&error.to_string())),
        }
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let read = || -> io::Result<Vec<u8>> {
        if std::fs::metadata(path)?.len() > LARGEST_CA {
            return Err(io::Error::other("it is too large for certificates"));
        }
        std::fs::read(path)
    };
    let pem = read().map_err(|error| error.to_string())?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|_| "expected certificates in PEM")?;
    if found.is_empty() {
        return Err("there is no certificate in it (-----BEGIN CERTIFICATE-----)".into());
    }
    Ok(found)
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What comes of asking a server that takes connections and is silent.
    async fn silence(scheme: &str, timeout_is_fixed: bool) -> Unreached {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Way {
            section: "x",
            ca: None,
            proxy: ProxyRule::Direct,
            timeout: Duration::from_millis(400),
            timeout_is_fixed,
        };
        let client = way.builder(false).unwrap().build().unwrap();
        let url = format!("{scheme}://{}", server.local_addr().unwrap());
        way.unreached(client.post(url).body("x").send().await.unwrap_err())
    }

    #[tokio::test]
    async fn a_request_that_waits_for_its_connection_is_not_sent() {
        // TLS does not come about: as with a firewall that drops everything, there is no connection yet.
        let unsent = silence("https", false).await;
        assert!(!unsent.sent && unsent.why.contains("no connection"), "{unsent:?}");
        let sent = silence("http", false).await;
        assert!(sent.sent && sent.why.contains("x.timeout"), "{sent:?}");
        // What no setting changes names none.
        let fixed = silence("http", true).await;
        assert_eq!(fixed.why, "it did not answer within 400ms");
    }
}
