//! What the commands do once they know what is wanted, and what they say of it.

use std::io::{self, Write};

use crate::activation::{Activated, Order};
use crate::licence::{ActivationCode, KeyNo};
use crate::store::ActivationRow;

use super::super::failure::Failure;
use super::secret::Named;
use super::{Here, explain};

/// Gets the licence: `again`, from the centre even where it is here.
pub(super) fn activate(here: &Here, order: &Order, again: bool, out: &mut impl Write) -> Result<(), Failure> {
    let activator = &here.activator;
    let activated = if again {
        here.wait(activator.activate_anew(order))
    } else {
        here.wait(activator.activate(order))
    };
    tell(&activated.map_err(explain)?, here, out)
}

/// Forgets what this node has noted of a licence.
pub(super) fn forget(here: &Here, named: Named, out: &mut impl Write) -> Result<(), Failure> {
    let Some(row) = known(here, named)?.0 else {
        let told = "this node has not activated that code: keynode activation list shows what it has";
        return Err(Failure::NotFound(told.into()));
    };
    here.activator.forget(&row.code).map_err(explain)?;
    let what = row.key_no.map_or_else(
        || format!("the activation code {:?}", row.code),
        |key_no| format!("licence {key_no}"),
    );
    writeln!(out, "{what} is forgotten: nothing is asked about it any more")?;
    Ok(())
}

/// Says what is here now, and why it gives no seats where it gives none.
pub(in crate::cli) fn tell(activated: &Activated, here: &Here, out: &mut impl Write) -> Result<(), Failure> {
    let licence = &activated.licence;
    let word = if activated.new { "activated" } else { "here" };
    writeln!(
        out,
        "licence {} of series {} is {word}: {}",
        licence.key_no,
        licence.key_id,
        activated.path.display()
    )?;
    let keyring = here.keyring();
    let key = keyring.find(licence.key_no);
    if let Some(cause) = key.and_then(|key| key.verdict.cause.as_ref()) {
        writeln!(out, "it gives no seats here: {cause}")?;
    }
    Ok(())
}

/// What this node has noted of a licence, and its code.
pub(super) fn known(here: &Here, named: Named) -> Result<(Option<ActivationRow>, ActivationCode), Failure> {
    let mut rows = here.activator.list().map_err(explain)?.into_iter();
    match named {
        Named::Code(code) => Ok((rows.find(|row| row.code == code), code)),
        Named::KeyNo(key_no) => match rows.find(|row| row.key_no == Some(key_no)) {
            Some(row) => {
                let code = row.code.clone();
                Ok((Some(row), code))
            }
            None => Err(Failure::NotFound(format!(
                "licence {key_no} was not activated on this node: name it by its activation code"
            ))),
        },
    }
}

/// Renews one or all; of all, one that fails keeps no other from it.
pub(super) fn renew(here: &Here, key_no: Option<KeyNo>, out: &mut impl Write) -> Result<(), Failure> {
    let numbers: Vec<KeyNo> = if key_no.is_some() {
        key_no.into_iter().collect()
    } else {
        let rows = here.activator.list().map_err(explain)?;
        rows.iter().filter_map(|row| row.key_no).collect()
    };
    let mut ended = Ok(());
    for key_no in numbers {
        match here.wait(here.activator.renew(key_no)).map_err(explain) {
            Ok(Some(renewed)) => match renewed.licence.expire_date() {
                Some(end) => writeln!(out, "licence {key_no} is renewed: it ends on {end}")?,
                None => writeln!(out, "licence {key_no} is renewed: it has no end")?,
            },
            Ok(None) => writeln!(out, "licence {key_no}: the centre has nothing newer")?,
            Err(failure) => {
                let code = failure.code();
                let _ = writeln!(io::stderr(), "keynode: licence {key_no}: {failure}");
                ended = ended.and(Err(Failure::Quiet(code)));
            }
        }
    }
    ended
}
