//! What is on a token, gathered answer by answer.

use std::sync::Arc;

use super::token::{DataObject, Token, TokenCertificate, TokenKey};
use super::wire::Answer;

/// Objects of one sort; a module's process does not send more.
const MOST: usize = 1000;

/// Keys, certificates and data objects.
#[derive(Default)]
pub(super) struct Contents {
    keys: Vec<TokenKey>,
    certificates: Vec<TokenCertificate>,
    data: Vec<DataObject>,
}

impl Contents {
    /// Takes one answer in.
    pub(super) fn add(&mut self, answer: Answer, bytes: &[u8]) {
        match answer {
            Answer::Key(key) if self.keys.len() < MOST => self.keys.push(key),
            Answer::Certificate { id, label } if self.certificates.len() < MOST => {
                let der = Arc::from(bytes);
                self.certificates.push(TokenCertificate { id, label, der });
            }
            Answer::Data { label } if self.data.len() < MOST => {
                let value = Arc::from(bytes);
                self.data.push(DataObject { label, value });
            }
            _ => {}
        }
    }

    /// Puts it into the token, in an order that does not depend on the module's.
    pub(super) fn put_into(mut self, token: &mut Token) {
        self.keys
            .sort_by(|a, b| (&a.id, &a.label).cmp(&(&b.id, &b.label)));
        self.certificates
            .sort_by(|a, b| (&a.id, &a.label, &a.der).cmp(&(&b.id, &b.label, &b.der)));
        self.data
            .sort_by(|a, b| (&a.label, &a.value).cmp(&(&b.label, &b.value)));
        token.keys = self.keys;
        token.certificates = self.certificates;
        token.data = self.data;
    }
}
