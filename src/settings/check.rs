//! What options must hold together; what each must hold by itself is its [`Kind`](super::Kind).

use super::{FamilyEntry, Settings};

/// The options at odds, and what is wrong.
pub(super) type Conflict = (Vec<&'static str>, String);

pub(super) fn together(settings: &Settings) -> Result<(), Conflict> {
    listeners(settings)?;
    tls(settings)?;
    login(settings)?;
    families(settings)
}

/// Port 0 is never in conflict: the system picks a free one for each.
fn listeners(settings: &Settings) -> Result<(), Conflict> {
    let (api, admin) = (settings.listen, settings.admin_listen);
    let same_ip = api.ip() == admin.ip() || api.ip().is_unspecified() || admin.ip().is_unspecified();
    if api.port() == 0 || api.port() != admin.port() || !same_ip {
        return Ok(());
    }
    let message =
        format!("listen ({api}) and admin_listen ({admin}) take the same port: expected two different ones");
    Err((vec!["admin_listen", "listen"], message))
}

fn tls(settings: &Settings) -> Result<(), Conflict> {
    let (set, missing) = match (&settings.tls.certificate, &settings.tls.private_key) {
        (Some(_), None) => ("tls.certificate", "tls.private_key"),
        (None, Some(_)) => ("tls.private_key", "tls.certificate"),
        _ => return Ok(()),
    };
    Err((
        vec![set],
        format!("{set} is set without {missing}: expected both or none"),
    ))
}

/// Which of two entries for the same devices counts would be anybody's guess.
fn families(settings: &Settings) -> Result<(), Conflict> {
    let ids = |entry: &FamilyEntry| (entry.vendor_id, entry.product_id);
    let all = &settings.devices.families;
    for (place, entry) in all.iter().enumerate() {
        if let Some(first) = all[..place].iter().find(|first| ids(first) == ids(entry)) {
            let message = format!(
                "devices.families has two entries for the same devices, \"{first}\" and \"{entry}\": expected one"
            );
            return Err((vec!["devices.families"], message));
        }
    }
    Ok(())
}

fn login(settings: &Settings) -> Result<(), Conflict> {
    let login = &settings.login;
    if login.free_attempts <= login.refuse_after {
        return Ok(());
    }
    let message = format!(
        "login.free_attempts ({}) is more than login.refuse_after ({}): expected no more than that",
        login.free_attempts, login.refuse_after
    );
    Err((vec!["login.free_attempts", "login.refuse_after"], message))
}
