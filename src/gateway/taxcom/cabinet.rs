//! The subscriber's cabinet: an address that the service gives to whoever shows the certificate's key. Nothing of it is kept.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::cms::Thumbprint;
use crate::gateway::outcome::Trouble;

use super::client::Failure;
use super::dialogue::{Dialogue, Entry, Form};
use super::session::Session;
use super::walk::{self, Rest, Walk};
use super::{Refusal, Taxcom};

/// Where the cabinet is. Whoever has the address may go in.
#[derive(Clone, PartialEq, Eq)]
pub struct Cabinet {
    /// The address.
    pub url: String,
    /// What else the service has told about it.
    pub fields: BTreeMap<String, String>,
}

impl Taxcom {
    /// `ОткрытьЛичныйКабинетАбонента`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn cabinet(
        &self,
        itn: Option<&str>,
        certificate: Option<Thumbprint>,
    ) -> Result<Cabinet, Refusal> {
        let (itn, thumbprint) = self.parties(itn, certificate)?;
        let opened = self.opened(&itn, thumbprint).await;
        Ok(opened.map_err(|failure| failure.trouble)?)
    }

    async fn opened(&self, itn: &str, thumbprint: Thumbprint) -> Result<Cabinet, Failure> {
        let configuration = self.configuration(None);
        let facts = walk::facts(
            &self.shared,
            Entry::Cabinet,
            thumbprint,
            (itn, ""),
            &configuration,
            None,
        );
        let mut walk = Walk {
            shared: &self.shared,
            client: &self.client,
            facts: facts.await?,
            dialogue: Dialogue::resume(Session::default(), None),
            process: None,
            beginning: false,
            fresh: false,
        };
        let rest = walk.begin().await;
        walk.close().await;
        let Rest::At(Form::Cabinet(url, fields)) = rest? else {
            return Err(Failure::nonsense("it did not open the cabinet"));
        };
        Ok(Cabinet {
            url: address(&url)?,
            fields,
        })
    }
}

/// An address that a browser may be sent to.
fn address(told: &str) -> Result<String, Trouble> {
    let read = Url::parse(told.trim()).ok();
    let web = read.filter(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some());
    let web = web.filter(|url| url.username().is_empty() && url.password().is_none());
    let bad = || super::trouble::nonsense("the cabinet's address is none of the web");
    web.map(Into::into).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn only_addresses_of_the_web_are_given_out() {
        assert!(address(" https://lk.taxcom.ru/enter?t=1 ").is_ok());
        for bad in [
            "",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "lk.taxcom.ru",
            "https://a:b@lk/",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
