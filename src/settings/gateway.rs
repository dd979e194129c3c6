//! `[gateway]`, `[tickets]`, `[ismp]`, `[crpt]`, `[taxcom]`: the operators' services that this node speaks to with the
//! certificates on its keys.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

/// `[gateway]`: what all services have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Series (KeyID) of which a licence must work here before any service answers; none: no licence is asked for.
    pub requires: Option<String>,
    /// PEM file with certificates that vouch for the services beside those of the system.
    pub ca: Option<PathBuf>,
    /// HTTP proxy; `none`: directly. Unset: as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    pub proxy: Option<String>,
    /// For a whole exchange with a service.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// NAME of the `[tokens.NAME]` whose key guards what is kept of the services; none: a file of the state directory.
    pub token: Option<String>,
    /// `CKA_LABEL`, or `CKA_ID` in hexadecimal digits, of that RSA key.
    pub token_key: Option<String>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            requires: None,
            ca: None,
            proxy: None,
            timeout: Duration::from_secs(30),
            token: None,
            token_key: None,
        }
    }
}

/// `[tickets]`: tickets of the support portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tickets {
    /// False: 503.
    pub enabled: bool,
    /// Base address of the portal of domain 0.
    pub url: String,
    /// Base address of the portal of domain 1.
    pub url_eu: String,
    /// This node issues tickets itself, for networks without the portal.
    pub issuer: bool,
    /// Life of a ticket that this node issues.
    #[serde(with = "duration")]
    pub life: Duration,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            enabled: false,
            url: "https://login.1c.ru".into(),
            url_eu: "https://login.1c.eu".into(),
            issuer: false,
            life: Duration::from_mins(1),
        }
    }
}

/// `[ismp]`: session keys of IS MP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ismp {
    /// False: 503.
    pub enabled: bool,
    /// Address of the server, before `/api/v3/true-api`.
    pub url: String,
    /// The same for tokens of retail sale; unset: as `url`.
    pub retail_url: Option<String>,
    /// Whether tokens of retail sale (`ИСМПРозница`) are asked for.
    pub retail: bool,
    /// Kinds of products whose retail sale is checked online, each with the day (`YYYY-MM-DD`) from which that is so.
    pub retail_products: BTreeMap<String, String>,
    /// A token is renewed so long before its end.
    #[serde(with = "duration")]
    pub renew_before: Duration,
}

impl Default for Ismp {
    fn default() -> Self {
        Self {
            enabled: false,
            url: "https://markirovka.crpt.ru".into(),
            retail_url: None,
            retail: true,
            retail_products: BTreeMap::new(),
            renew_before: Duration::from_mins(5),
        }
    }
}

/// By which way a connection is registered with CRPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CrptRoute {
    /// Through 1C's gateway, with the support account.
    Gateway,
    /// Directly, with a registration key of one's own.
    Direct,
}

/// `[crpt]`: connections of CRPT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crpt {
    /// False: 503.
    pub enabled: bool,
    /// The way of a request that names none.
    pub route: CrptRoute,
    /// Address of 1C's gateway, before `/public/api/program1c`.
    pub gateway_url: String,
    /// Address of the operator's registration, before `/api/v3/integration`.
    pub url: String,
    /// File with the operator's registration key.
    pub registration_key_file: Option<PathBuf>,
}

impl Default for Crpt {
    fn default() -> Self {
        Self {
            enabled: false,
            route: CrptRoute::Gateway,
            gateway_url: "https://products-marking-crpt.1c.ru".into(),
            url: "https://suzgrid.crpt.ru:16443".into(),
            registration_key_file: None,
        }
    }
}

/// Whether a parameter's fields are XML elements or attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaxcomForm {
    /// As the service's WSDL says.
    Wsdl,
    /// Elements.
    Elements,
    /// Attributes.
    Attributes,
}

/// `[taxcom]`: the service 1C-Taxcom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Taxcom {
    /// False: 503.
    pub enabled: bool,
    /// Address of the SOAP service; its WSDL is at `?wsdl`.
    pub url: String,
    /// The form of parameters in requests.
    pub form: TaxcomForm,
    /// Name of the 1C configuration that the service is told, unless a request names one.
    pub configuration: String,
    /// Time between two looks at an application that waits.
    #[serde(with = "duration")]
    pub poll: Duration,
}

impl Default for Taxcom {
    fn default() -> Self {
        Self {
            enabled: false,
            url: "https://webits.1c.ru/services/WebItsSimpleService".into(),
            form: TaxcomForm::Wsdl,
            configuration: "БухгалтерияПредприятия".into(),
            poll: Duration::from_mins(1),
        }
    }
}
