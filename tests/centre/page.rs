//! The page for computers that are not connected.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::activation::Action;
use sha2::{Digest, Sha256};

use super::client::{Call, Reply};
use super::served::{Asking, ITN, OTHER_ITN, Served, opened};

const ENGLISH: &str = "en-GB,en;q=0.9,ru;q=0.5";
const RUSSIAN: &str = "ru-RU,ru;q=0.9,en;q=0.5";

/// What a browser sends: a file, and what is in the text area.
fn send(centre: &Served, language: &str, file: &str, text: &str) -> Reply {
    let boundary = "----form-7XcQ1";
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"request\"; filename=\"request.json\"\r\n\
         Content-Type: application/json\r\n\r\n{file}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--{boundary}--\r\n"
    );
    Call::new("POST", "/")
        .header("Accept-Language", language)
        .header(
            "Content-Type",
            &format!("multipart/form-data; boundary={boundary}"),
        )
        .body(body)
        .send(centre.address)
}

#[test]
fn the_page_is_in_the_language_of_its_reader_and_has_no_script() {
    let centre = Served::start();
    for (language, tag, word) in [
        (ENGLISH, "en", "Licence activation"),
        (RUSSIAN, "ru", "Активация лицензии"),
    ] {
        let reply = Call::new("GET", "/")
            .header("Accept-Language", language)
            .send(centre.address)
            .expect(200);
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(reply.header("content-language"), Some(tag));
        let page = reply.text();
        assert!(
            page.contains(word) && page.contains(&format!("<html lang=\"{tag}\">")),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains("http"), "{page}");
        // The policy lets this style through, and nothing else.
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
        assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
    }
}

#[test]
fn a_request_comes_as_a_file_or_as_a_text_and_the_licence_goes_back_as_a_file() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let request = node.activate(&centre.code(), ITN);
    let sealed = node.seal(&request);
    for (file, text) in [
        (sealed.as_str(), ""),
        ("", sealed.as_str()),
        ("\r\n", &format!("  {sealed}\r\n")),
    ] {
        let reply = send(&centre, ENGLISH, file, text).expect(200);
        let licence = opened(&reply.body);
        assert_eq!(
            reply.header("content-disposition"),
            Some(format!("attachment; filename=\"672B.{}.licence\"", licence.key_no).as_str())
        );
        assert_eq!(licence.nonce, Some(request.nonce.to_string()));
    }
    let renewal = Asking::then(&request, Action::Renew);
    let page = send(&centre, RUSSIAN, &node.seal(&renewal), "").expect(200);
    assert!(page.text().contains("Нового ничего нет"), "{}", page.text());
    let back = Asking::then(&renewal, Action::Return);
    let receipt = send(&centre, RUSSIAN, &node.seal(&back), "").expect(200);
    assert!(
        receipt
            .header("content-disposition")
            .unwrap()
            .contains("keynode.receipt")
    );
}

#[test]
fn what_is_wrong_is_told_in_both_languages() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let code = centre.bound_code();
    let wrong = node.seal(&node.activate(&code, OTHER_ITN));
    for (language, told) in [
        (ENGLISH, "another ITN or IEC."),
        (RUSSIAN, "с другим ИНН или КПП."),
    ] {
        let page = send(&centre, language, &wrong, "").expect(403);
        assert!(page.text().contains(told), "{}", page.text());
        assert!(page.text().contains("<form"), "the form is there to try again");
        assert!(!page.text().contains(code.as_str()));
    }
    for (language, told) in [
        (ENGLISH, "Neither a file nor a text"),
        (RUSSIAN, "ни файла, ни текста"),
    ] {
        let page = send(&centre, language, "", " \r\n").expect(400);
        assert!(page.text().contains(told), "{}", page.text());
    }
}

#[test]
fn what_comes_in_never_becomes_html() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    // serde tells the name of a field that it does not know.
    let mut request = serde_json::to_value(node.activate(&centre.code(), ITN)).unwrap();
    request["<script>alert(1)</script>"] = 1.into();
    let sealed = node.seal_value(&request);
    let page = send(&centre, ENGLISH, &sealed, "").expect(400);
    assert!(
        page.text().contains("&lt;script&gt;") && !page.text().contains("<script"),
        "{}",
        page.text()
    );
}

#[test]
fn forms_that_are_none_are_refused() {
    let centre = Served::start();
    let post = |kind: &str, body: &str| {
        Call::new("POST", "/")
            .header("Content-Type", kind)
            .body(body)
            .send(centre.address)
            .expect(400)
    };
    post("text/plain", "request=x");
    post("multipart/form-data", "");
    post("multipart/form-data; boundary=x", "--y\r\n\r\n--y--\r\n");
    post(
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n--x--\r\n",
    );
    let part = "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n\r\n";
    post(
        "multipart/form-data; boundary=x",
        &format!("{}--x--\r\n", part.repeat(500)),
    );
    post("multipart/form-data; boundary=x", &"a".repeat(200_000));
}
