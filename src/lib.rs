//! keynode: a licence node. Serves the licences on the keys of a computer to the network, and lets programs use the
//! certificates on them.
//!
//! The modules are layers, listed from the roof down; each uses only those below it, and a test holds them to that:
//!
//! | layer | what it is for |
//! |---|---|
//! | [`cli`] | the command line, one file per noun |
//! | [`node`] | builds the parts from the settings; start, reload, stop |
//! | [`console`] | the web page |
//! | [`monitoring`] | for whoever watches the node: events, metrics, webhooks |
//! | [`api`] | the External API over HTTP, one file per resource |
//! | [`seats`] | sessions and connections: who has which seat |
//! | [`activation`] | from a code to a licence: the node's side and the vendor's centre |
//! | [`keyring`] | all keys, each with its verdict |
//! | [`gateway`] | what the certificates are used for: tickets, IS MP, CRPT, 1C-Taxcom |
//! | [`signing`] | signs the answers: a key in a file or on a token |
//! | [`devices`] | USB devices and what they and tokens prove as carriers |
//! | [`tokens`] | PKCS#11 modules in processes of their own; certificates |
//! | [`computer`] | what identifies this computer |
//! | [`events`] | what happens, told to whoever listens |
//! | [`store`] | the one database: users, seats, audit log |
//! | [`clock`] | wall and monotonic time, moved by hand in tests |
//! | [`cms`] | CMS and CAdES messages; knows no keys |
//! | [`licence`] | what a licence is, and whether it works; pure |
//! | [`sandbox`] | stand-ins for the operators' services, for the demo and for tests |
//! | [`outbound`] | the way out to servers of others: proxy, authorities, time |
//! | [`settings`] | the settings: file, environment, flags |
//! | [`measure`] | instruments for hot paths |

#![forbid(unsafe_code)]

pub mod activation;
pub mod api;
pub mod cli;
pub mod clock;
pub mod cms;
pub mod computer;
pub mod console;
pub mod devices;
pub mod events;
mod files;
pub mod gateway;
pub mod keyring;
pub mod licence;
pub mod measure;
pub mod monitoring;
pub mod node;
pub mod outbound;
pub mod sandbox;
pub mod seats;
pub mod settings;
pub mod signing;
pub mod store;
mod text;
pub mod tokens;
