//! `keynode activation` as an administrator uses it, with the real centre of a vendor.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keynode::activation::{ActivationError, Refusal};
use keynode::licence::binding::Binding;
use serde_json::Value;

use crate::activation_desk::Desk;
use crate::harness::{eventually, run};
use crate::living_centre::{Elsewhere, ITN, holds, keeps_secret};
use crate::softhsm::{MODULE, SoftHsm};

#[test]
fn a_code_becomes_a_licence_here_and_is_returned() {
    let mut desk = Desk::new();
    let code = desk.centre.code();
    let key_no = desk.centre.key_no(&code);
    let number = key_no.to_string();

    // As a person would paste it; the argument shows nothing.
    let typed = format!(" {}\r\n", code.as_str().to_lowercase());
    let told = desk.with(&["activate", "-", "--itn", ITN], &typed).ok();
    assert!(told.contains(&number) && told.contains("is activated"), "{told}");
    assert!(holds(&desk.state.licence(key_no), &code));
    assert_eq!(desk.licences()[0]["Enabled"], true);

    let again = desk.with(&["activate", "-", "--itn", ITN], &typed).ok();
    assert!(again.contains("is here"), "{again}");
    let rows = desk.list();
    assert_eq!(
        (&rows[0]["KeyNo"], &rows[0]["KeyID"]),
        (&key_no.into(), &"672B".into())
    );
    assert_eq!(rows[0]["Code"], format!("{code:?}"));
    assert_eq!(
        (&rows[0]["Carrier"], &rows[0]["Trouble"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&rows[0]["State"], &rows[0]["Centre"]),
        (&"activated".into(), &desk.centre.url().into())
    );
    assert!(rows[0]["LastContact"].is_string(), "{rows}");
    let table = desk.activation(&["list"]).ok();
    let line = table.lines().nth(1).unwrap();
    for word in [
        &number,
        "672B",
        &format!("{code:?}"),
        "this computer",
        "activated",
    ] {
        assert!(line.contains(word), "{word}: {table}");
    }

    let told = desk.activation(&["renew"]).ok();
    assert!(told.contains(&number) && told.contains("nothing newer"), "{told}");

    let told = desk.activation(&["return", &number]).ok();
    assert!(told.contains("returned"), "{told}");
    assert!(!desk.state.licence(key_no).exists());
    assert_eq!(desk.licences(), Value::Array(Vec::new()));
    let elsewhere = Elsewhere::new(&desk.centre);
    assert_eq!(elsewhere.activate(&code).unwrap().licence.key_no, key_no);

    let told = desk.activation(&["return", &number]).fails(4);
    assert!(told.contains(&number), "{told}");
    keeps_secret(&(desk.said + &desk.centre.log()), &[&code]);
}

#[test]
fn a_licence_moves_here_with_a_recovery_code_and_back() {
    let mut desk = Desk::new();
    let code = desk.centre.code();
    let elsewhere = Elsewhere::new(&desk.centre);
    let key_no = elsewhere.activate(&code).unwrap().licence.key_no;
    let number = key_no.to_string();

    let text = code.as_str();
    let told = desk.activation(&["activate", text, "--itn", ITN]).fails(5);
    assert!(
        told.contains("elsewhere") && told.contains("--recovery"),
        "{told}"
    );
    let told = desk.activation(&["move", text, "--itn", ITN]).fails(5);
    assert!(told.contains("--recovery"), "{told}");
    // Of an unknown code this node does not know whose it is.
    let unused = desk.centre.code();
    let told = desk.activation(&["move", unused.as_str()]).fails(2);
    assert!(told.contains("--itn"), "{told}");
    let told = desk.activation(&["move", &number]).fails(4);
    assert!(told.contains(&number), "{told}");
    assert!(!desk.state.licence(key_no).exists());

    let recovery = desk.centre.recovery(&code);
    let wrong = desk.centre.code();
    let told = desk
        .activation(&["move", text, "--itn", ITN, "--recovery", wrong.as_str()])
        .fails(5);
    assert!(told.contains("recovery code"), "{told}");
    // Both codes are read, one after the other.
    let input = format!("{text}\n{}\n", recovery.as_str());
    let told = desk
        .with(&["move", "-", "--itn", ITN, "--recovery", "-"], &input)
        .ok();
    assert!(told.contains("is activated"), "{told}");
    assert_eq!(desk.licences()[0]["Enabled"], true);
    let lost = elsewhere.renew(key_no).unwrap_err();
    assert_eq!(lost, ActivationError::Refused(Refusal::NotHere));
    // It was used up.
    let told = desk.centre.recovery(&code);
    let taken = elsewhere.activate(&code).unwrap_err();
    assert!(matches!(taken, ActivationError::Refused(_)), "{taken:?}");

    // This node has a record of the code now: its number is enough, and it is here.
    let told_here = desk.activation(&["move", &number]).ok();
    assert!(told_here.contains("is here"), "{told_here}");
    keeps_secret(
        &(desk.said + &desk.centre.log()),
        &[&code, &recovery, &wrong, &told],
    );
}

#[test]
fn a_running_node_notices_what_the_command_does_beside_it() {
    let mut desk = Desk::new();
    let url = desk.centre.url();
    let node = desk.state.start(&["--activation-centre", &url]);
    let code = desk.centre.code();
    let key_no = desk.centre.key_no(&code);
    desk.activation(&["activate", code.as_str(), "--itn", ITN]).ok();
    eventually("the licence in the node", || {
        (node.client().key(key_no)["Enabled"] == true).then_some(())
    });
    desk.activation(&["return", &key_no.to_string()]).ok();
    eventually("its end in the node", || {
        let path = format!("/api/licences/{key_no}");
        (node.client().get(&path).status == 404).then_some(())
    });
    keeps_secret(&(desk.said + &desk.centre.log() + &node.log()), &[&code]);
}

#[test]
fn a_computer_without_a_network_is_served_by_files() {
    let mut desk = Desk::new();
    let (code, other) = (desk.centre.code(), desk.centre.code());
    let (request, answer) = (desk.state.text("request.json"), desk.state.text("answer"));
    let dir = desk.centre.dir();
    for (number, code) in [&code, &other].into_iter().enumerate() {
        let words = ["request", "-", "--itn", ITN, "--out", &request];
        let told = desk.with(&words, code.as_str());
        assert!(told.err.contains("licence add"), "{told:?}");
        assert!(told.ok().contains(&request));
        let mode = fs::metadata(&request).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the code is in it");
        let asked = fs::read_to_string(&request).unwrap();
        let rows = desk.list();
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["Code"] == format!("{code:?}"));
        let row = row.unwrap();
        assert_eq!(
            (&row["Offline"], &row["KeyNo"]),
            (&true.into(), &Value::Null),
            "{row}"
        );
        assert!(row["State"].as_str().unwrap().contains("licence add"), "{row}");

        // The same request, this time for a scanner.
        let printed = desk
            .with(&["request", "-", "--itn", ITN, "--qr"], code.as_str())
            .ok();
        assert!(printed.lines().count() > 30 && printed.contains('▀'), "{printed}");
        let again = desk.with(&["request", "-", "--itn", ITN, "--out", "-"], code.as_str());
        assert_eq!(again.out, asked);

        let fulfil = ["centre", "fulfil", &request, "--out", &answer, "--dir"];
        let fulfil = [&fulfil[..], &[dir.to_str().unwrap()]].concat();
        desk.run(&fulfil, "").ok();
        let text = fs::read_to_string(&answer).unwrap();
        let told = if number == 0 {
            desk.run(&["licence", "add", &answer], "").ok()
        } else {
            desk.run(
                &["licence", "add", "-"],
                &format!("\u{feff}\r\n  {}\r\n{}\n\n", &text[..80], text[80..].trim()),
            )
            .ok()
        };
        assert!(told.contains("is activated"), "{told}");
        let key_no = desk.centre.key_no(code);
        assert!(holds(&desk.state.licence(key_no), code));
    }
    let enabled = |row: &Value| row["Enabled"] == true;
    assert!(desk.licences().as_array().unwrap().iter().all(enabled));
    let rows = desk.list();
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    assert_eq!(
        (&rows[0]["Waiting"], &rows[1]["Waiting"]),
        (&Value::Null, &Value::Null)
    );
    // Without a network there is no centre to be asked either.
    let told = run(desk
        .state
        .keynode(&["activation", "request", "-", "--itn", ITN, "--qr"]));
    assert_eq!(told.code, 2, "standard input is empty: {told:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_own_exit_code_and_without_the_code() {
    let mut desk = Desk::new();
    let code = desk.centre.code();
    let text = code.as_str().to_owned();

    // Nothing is known yet, and nothing is made by asking.
    let rows = run(desk.state.keynode(&["activation", "list", "--json"])).ok();
    assert_eq!(rows, "[]\n");
    assert!(!desk.state.path("state/keynode.db").exists());

    let mistyped = text[..23].to_owned();
    let told = desk.activation(&["activate", &mistyped, "--itn", ITN]).fails(2);
    assert!(!told.contains(&mistyped[5..]), "{told}");
    let swapped: String = if text.starts_with('0') {
        text.replacen('0', "1", 1)
    } else {
        format!("0{}", &text[1..])
    };
    let told = desk.activation(&["activate", &swapped, "--itn", ITN]).fails(4);
    assert!(told.contains("unknown"), "{told}");
    assert_eq!(
        desk.activation(&["activate", &text, "--itn", "1234567890"]).code,
        2
    );
    let told = desk
        .activation(&["activate", &text, "--itn", ITN, "--carrier", "nothing"])
        .fails(4);
    assert!(told.contains("devices list"), "{told}");

    desk.activation(&["activate", &text, "--itn", ITN]).ok();
    let told = desk.activation(&["move", &text, "--itn", "7707083893"]).fails(5);
    assert!(told.contains("--itn"), "{told}");
    for words in [["return", "4711"], ["renew", "4711"], ["move", "4711"]] {
        assert!(desk.activation(&words).fails(4).contains("4711"));
    }

    let other = desk.centre.code();
    let other_text = other.as_str();
    let ask = ["activation", "activate", other_text, "--itn", ITN];
    let none = run(desk.state.keynode(&ask)).fails(78);
    assert!(
        none.contains("--activation-centre") && none.contains("activation request"),
        "{none}"
    );
    // The port of a socket that was closed again.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = desk.state.keynode(&ask);
    command.env("KEYNODE_ACTIVATION_CENTRE", format!("http://{free}"));
    let unreachable = run(command).fails(3);
    assert!(
        unreachable.contains(&free.to_string()) && unreachable.contains("activation request"),
        "{unreachable}"
    );
    let said = [&desk.said, &none, &unreachable, &desk.centre.log()]
        .map(String::as_str)
        .concat();
    keeps_secret(&said, &[&code, &other]);
}

#[test]
fn a_licence_moves_between_this_computer_and_a_carrier() {
    let mut desk = Desk::new();
    let hsm = SoftHsm::new(&["keys"]);
    let config = desk.state.text("keynode.toml");
    let settings = format!(
        "[tokens.keys]\nmodule = \"{MODULE}\"\nlabel = \"keys\"\npin_file = \"{}\"\nenvironment = {{ SOFTHSM2_CONF = \
         \"{}\" }}\n",
        hsm.path().join("pin").display(),
        hsm.conf().display()
    );
    fs::write(&config, settings).unwrap();
    let provision = ["devices", "provision", "--driver", "pkcs11", "--token", "keys"];
    desk.run(&[&provision[..], &["--config", &config]].concat(), "")
        .ok();
    let devices = desk
        .run(&["devices", "list", "--json", "--config", &config], "")
        .ok();
    let devices: Value = serde_json::from_str(&devices).unwrap();
    let carrier = devices
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["Type"] == "TokenKey");
    let carrier = carrier.unwrap()["ID"].as_str().unwrap();

    let code = desk.centre.code();
    let typed = code.as_str().to_owned();
    let words = [
        "activate",
        "-",
        "--itn",
        ITN,
        "--carrier",
        carrier,
        "--config",
        &config,
    ];
    let told = desk.with(&words, &typed).ok();
    assert!(
        told.contains("is activated") && !told.contains("no seats"),
        "{told}"
    );
    let key_no = desk.centre.key_no(&code);
    let number = key_no.to_string();
    let bound = |desk: &Desk| {
        let file = fs::read(desk.state.licence(key_no)).unwrap();
        matches!(
            keynode::licence::inspect(&file).unwrap().0.binding,
            Binding::Carrier(_)
        )
    };
    assert!(bound(&desk));
    let row = desk.activation(&["list", "--config", &config]).ok();
    assert!(row.contains(carrier), "{row}");
    // Where the token is not known, the licence gives no seats, and another carrier is none.
    let told = desk.activation(&["move", &number, "--carrier", carrier]).fails(4);
    assert!(told.contains("devices list"), "{told}");

    let told = desk.activation(&["move", &number, "--config", &config]).ok();
    assert!(!told.contains("no seats"), "{told}");
    assert!(!bound(&desk));
    assert_eq!(desk.licences()[0]["Enabled"], true);
    let back = ["move", &number, "--carrier", carrier, "--config", &config];
    desk.activation(&back).ok();
    assert!(bound(&desk));
    // Two moves a year.
    let told = desk.activation(&["move", &number, "--config", &config]).fails(5);
    assert!(
        told.contains("as often as its vendor allows") && told.contains("--recovery"),
        "{told}"
    );
    assert!(bound(&desk));
    keeps_secret(&(desk.said + &desk.centre.log()), &[&code]);
}
