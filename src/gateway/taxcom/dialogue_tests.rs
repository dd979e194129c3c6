//! The dialogue without a service: commands in, what comes next out.

use super::*;
use crate::gateway::outcome::Code;
use crate::gateway::taxcom::session::{LONGEST_VALUE, MOST_VALUES};

fn facts() -> Facts {
    let registration = [("ИНН", "7707083893"), ("Город", "Москва")];
    let registration = registration.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Facts {
        entry: Entry::Subscriber,
        configuration: "Бухгалтерия".into(),
        certificate: "MIIB".into(),
        valid: true,
        missing: None,
        thumbprint: Thumbprint::from([1; 20]),
        itn: "7707083893".into(),
        add_to: None,
        registration: registration.into(),
        account: Some(Account {
            login: "me".into(),
            password: "secret".into(),
        }),
        certificates: vec![Thumbprint::from([1; 20]), Thumbprint::from([2; 20])],
    }
}

fn command(name: &str, parameters: &[(&str, &str)]) -> Command {
    Command {
        name: name.into(),
        parameters: parameters
            .iter()
            .map(|(name, value)| Parameter::new(*name, *value))
            .collect(),
    }
}

/// What comes next after these commands, in words.
fn heard(dialogue: &mut Dialogue, commands: &[Command]) -> String {
    match dialogue.hear(commands.to_vec(), &facts()) {
        Ok(Step::Ask(parameters)) => {
            let told = parameters
                .iter()
                .map(|own| format!("{}={}", own.name, *own.value));
            told.collect::<Vec<_>>().join(" ")
        }
        Ok(Step::Decrypt(marker, thumbprint)) => format!("decrypt {marker} {}", thumbprint.bytes()[0]),
        Ok(Step::Rest(form)) => format!("{form:?}"),
        Ok(Step::Succeeded) => "succeeded".into(),
        Err(stuck) => stuck.trouble.code.word().into(),
    }
}

fn begun() -> Dialogue {
    Dialogue::begin(&facts()).0
}

#[test]
fn the_first_request_says_who_asks_and_no_secret() {
    let (dialogue, first) = Dialogue::begin(&facts());
    let told = |name: &str| {
        let found = first.iter().find(|own| own.name == name);
        found.map_or(String::new(), |own| own.value.to_string())
    };
    assert_eq!(told("APIVersion"), "1.0.1.1");
    assert_eq!(told("enterPoint"), "taxcomGetID");
    assert_eq!(told("ToAddCert"), "NO");
    assert_eq!(told("nameConfiguration"), "Бухгалтерия");
    assert!(!first.iter().any(|own| own.value.contains("secret")));
    assert!(!dialogue.session.is_open());
    let adds = Facts {
        add_to: Some("2AL".into()),
        ..facts()
    };
    let (_, first) = Dialogue::begin(&adds);
    assert!(first.contains(&Parameter::new("ToAddCert", "YES")));
    assert!(first.contains(&Parameter::new("identifierTaxcomED", "2AL")));
}

#[test]
fn what_is_asked_for_is_told_within_the_session() {
    let mut dialogue = begun();
    let put = command("store.put", &[("session_id", "s1"), ("x", "1"), ("y", "2")]);
    let get = command(
        "store.get",
        &[("login", ""), ("password", ""), ("x", ""), ("none", "")],
    );
    assert_eq!(
        heard(&mut dialogue, &[put, get]),
        "login=me password=secret x=1 none= session_id=s1"
    );
    let delete = command("store.delete", &[("x", "")]);
    let get = command("store.get", &[("x", ""), ("session_id", ""), ("language", "")]);
    assert_eq!(
        heard(&mut dialogue, &[delete, get]),
        "x= session_id=s1 language=ru"
    );
}

#[test]
fn the_account_is_changed_by_no_service_and_kept_in_no_session() {
    let mut dialogue = begun();
    let mut put = command("store.put", &[("login", "other"), ("password", "stolen")]);
    for parameter in &mut put.parameters {
        parameter.scope = "startUp".into();
    }
    let get = command("store.get", &[("login", ""), ("password", "")]);
    assert_eq!(heard(&mut dialogue, &[put, get]), "login=me password=secret");
    let kept = serde_json::to_string(&dialogue.session).unwrap();
    assert!(!kept.contains("secret") && !kept.contains("stolen"));
    let nobody = Facts {
        account: None,
        ..facts()
    };
    let get = command("store.get", &[("login", "")]);
    let refused = begun().hear(vec![get], &nobody);
    assert_eq!(refused.unwrap_err().trouble.code, Code::BadLogin);
}

#[test]
fn a_marker_is_decrypted_with_the_key_that_the_service_names_if_it_is_the_organisations() {
    let decode = command("performtheaction", &[("Action", "Decode")]);
    let find = command("performtheaction.findcertificatefingerprint", &[]);
    for (fingerprint, expected) in [([2; 20], 2), ([3; 20], 1)] {
        let fingerprint = Thumbprint::from(fingerprint).base64();
        let put = command(
            "store.put",
            &[("markerED", "bQ=="), ("certificatefingerprintED", &fingerprint)],
        );
        let told = heard(&mut begun(), &[put, find.clone(), decode.clone()]);
        assert_eq!(told, format!("decrypt bQ== {expected}"));
    }
    // The service cannot name a key by itself.
    let foreign = Thumbprint::from([9; 20]).to_string();
    let put = command(
        "store.put",
        &[("markerED", "bQ=="), ("IDCertificateED", &foreign)],
    );
    assert_eq!(heard(&mut begun(), &[put, decode.clone()]), "decrypt bQ== 1");
    assert_eq!(
        heard(&mut begun(), std::slice::from_ref(&decode)),
        "ОшибкаСервиса"
    );
    let mut dialogue = begun();
    let put = command("store.put", &[("markerED", "bQ==")]);
    let get = command("store.get", &[("openMarkerED", "")]);
    heard(&mut dialogue, &[put, decode, get]);
    let step = dialogue.decrypted(b"the text\r\n", &facts()).unwrap();
    assert!(matches!(step, Step::Ask(told) if *told[0].value == "the text"));
    assert!(begun().decrypted(&[0xff, 0xfe], &facts()).is_err());
}

#[test]
fn the_key_is_not_at_the_services_disposal() {
    let put = command("store.put", &[("markerED", "bQ==")]);
    let decode = command("performtheaction", &[("action", "decode")]);
    let mut dialogue = begun();
    for expected in ["decrypt bQ== 1", "decrypt bQ== 1", "ОшибкаСервиса"] {
        assert_eq!(heard(&mut dialogue, &[put.clone(), decode.clone()]), expected);
    }
    // A letter is no marker.
    for (text, good) in [
        ("x".repeat(256), true),
        ("x".repeat(257), false),
        ("a\nb".into(), false),
    ] {
        let opened = begun().decrypted(text.as_bytes(), &facts());
        assert_eq!(opened.is_ok(), good, "{text}");
    }
}

#[test]
fn actions_prepare_what_is_asked_for_later() {
    let mut dialogue = begun();
    let commands = [
        command("performtheaction", &[("action", "getCertificate")]),
        command(
            "performtheaction",
            &[("action", "getInformationAboutOrganization")],
        ),
        command("setcodesregion", &[("77", "Москва")]),
        command(
            "store.get",
            &[
                ("certificateED", ""),
                ("innED", ""),
                ("addresscityED", ""),
                ("77", ""),
            ],
        ),
    ];
    assert_eq!(
        heard(&mut dialogue, &commands),
        "certificateED=MIIB innED=7707083893 addresscityED=Москва 77=Москва"
    );
}

#[test]
fn commands_of_an_answer_come_before_those_that_waited() {
    let mut dialogue = begun();
    let open = |form: &str| command("ui.open", &[("indexform", form)]);
    let get = command("store.get", &[("x", "")]);
    heard(&mut dialogue, &[get, open("ftx2")]);
    assert_eq!(heard(&mut dialogue, &[open("ftx1")]), "Some(Application)");
}

#[test]
fn each_form_and_each_end_is_known() {
    let open = |form: &str| {
        command(
            "ui.open",
            &[("IndexForm", form), ("URL", "https://x/"), ("caption", "c")],
        )
    };
    for (commands, expected) in [
        (vec![open("ftx1")], "Some(Status)"),
        (vec![open("FTX2")], "Some(Application)"),
        (
            vec![open("ftx3")],
            "Some(Cabinet(\"https://x/\", {\"caption\": \"c\"}))",
        ),
        (
            vec![open("ftx1"), command("ui.close", &[("indexform", "ftx1")])],
            "None",
        ),
        (vec![open("bh1")], "succeeded"),
        (
            vec![open("bh1"), command("system.halt", &[("errorCode", "0")])],
            "succeeded",
        ),
        (vec![command("system.halt", &[])], "None"),
        (
            vec![command("launchservice", &[("bp", "other"), ("nameURI", "u")])],
            "None",
        ),
        (vec![open("f4")], "НеверныйЛогинИлиПароль"),
        (vec![open("1")], "НеверныйЛогинИлиПароль"),
        (vec![open("ftx4")], "ОшибкаСервиса"),
        (vec![open("ftx5")], "ОшибкаСервиса"),
        (vec![open("zz")], "НеизвестнаяОшибка"),
        (
            vec![command("system.halt", &[("ErrorCode", "105")])],
            "ОшибкаСервиса",
        ),
        (
            vec![command("question.show", &[("messagetext", "?")])],
            "ОшибкаСервиса",
        ),
        (vec![command("input.field", &[("caption", "?")])], "ОшибкаСервиса"),
        (vec![command("format.disk", &[])], "НеизвестнаяОшибка"),
        (
            vec![command("performtheaction", &[("action", "dance")])],
            "НеизвестнаяОшибка",
        ),
        (vec![], "ОшибкаСервиса"),
    ] {
        assert_eq!(heard(&mut begun(), &commands), expected, "{commands:?}");
    }
}

#[test]
fn a_session_has_bounds() {
    let long = "x".repeat(LONGEST_VALUE + 1);
    assert_eq!(
        heard(&mut begun(), &[command("store.put", &[("a", &long)])]),
        "ОшибкаСервиса"
    );
    let names: Vec<String> = (0..=MOST_VALUES).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(
        heard(&mut begun(), &[command("store.put", &many)]),
        "ОшибкаСервиса"
    );
    let mut dialogue = begun();
    let get = command("store.get", &[("x", "")]);
    let commands = vec![get; 150];
    let ends: Vec<String> = (0..4).map(|_| heard(&mut dialogue, &commands)).collect();
    assert_eq!(ends[3], "ОшибкаСервиса", "commands pile up");
}

#[test]
fn messages_are_cleaned_and_told_with_what_failed() {
    let mut dialogue = begun();
    let show = command("message.show", &[("MessageText", "Нет\u{1b}[31m договора")]);
    let halt = command("system.halt", &[("errorCode", "7")]);
    let trouble = dialogue.hear(vec![show, halt], &facts()).unwrap_err();
    assert_eq!(trouble.trouble.message, "Сервис 1С-Такском: Нет[31m договора");
    assert_eq!(trouble.trouble.code, Code::Service);
}
