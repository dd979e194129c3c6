//! The three types of tokens, and what differs between them.

use serde::{Deserialize, Serialize};

/// A type of token (`ТипТокенаАвторизации`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TokenType {
    /// IS MP itself.
    #[serde(rename = "ИСМП")]
    Ismp,
    /// The order management station: one live token for each of its connections.
    #[serde(rename = "СУЗ")]
    Suz,
    /// Retail sale, for checks at the cash desk.
    #[serde(rename = "ИСМПРозница")]
    Retail,
}

impl TokenType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ismp, Self::Suz, Self::Retail];

    /// The literal word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ismp => "ИСМП",
            Self::Suz => "СУЗ",
            Self::Retail => "ИСМПРозница",
        }
    }

    /// Reads the literal word, or the English one (`ISMP`, `SUZ`, `Retail`).
    pub fn parse(text: &str) -> Option<Self> {
        let english = |kind: &Self| match kind {
            Self::Ismp => "ISMP",
            Self::Suz => "SUZ",
            Self::Retail => "Retail",
        };
        let named = |kind: &Self| kind.word() == text || english(kind).eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named)
    }

    /// The session parameter in which 1C programs keep such a token (`ИмяПараметраСеанса`).
    pub fn session_parameter(self) -> &'static str {
        match self {
            Self::Ismp => "ДанныеКлючаСессииИСМП",
            Self::Suz => "ДанныеКлючаСессииСУЗ",
            Self::Retail => "ДанныеКлючаСессииИСМПРозница",
        }
    }

    /// Whether somebody with a power of attorney (МЧД) may sign for it.
    pub fn takes_powers_of_attorney(self) -> bool {
        self != Self::Retail
    }

    /// Its life in seconds where the operator tells none.
    pub fn life(self) -> i64 {
        match self {
            Self::Ismp | Self::Retail => 900,
            Self::Suz => 9 * 60 * 60,
        }
    }
}
