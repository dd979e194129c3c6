//! docs/hid-carrier.md tells the truth: its report descriptor and its example are those of a device that keynode proves.

use aws_lc_rs::signature::Ed25519KeyPair;

use super::described::report_descriptor;
use super::dongle::{Dongle, Plugged, REPORT_DESCRIPTOR};

/// The lines of the page's fenced blocks of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hid-carrier.md");
    let page = std::fs::read_to_string(page).unwrap();
    let fence = format!("```{kind}\n");
    let inside = page.split(&fence).skip(1);
    inside
        .flat_map(|block| block.split("```").next().unwrap().lines().map(str::to_owned))
        .collect()
}

/// The hexadecimal bytes that a line begins with.
fn bytes(line: &str) -> Vec<u8> {
    line.split_whitespace()
        .map_while(|word| {
            (word.len() == 2)
                .then(|| u8::from_str_radix(word, 16).ok())
                .flatten()
        })
        .collect()
}

#[test]
fn the_report_descriptor_on_the_page_is_that_of_the_dongle() {
    let page: Vec<u8> = blocks("descriptor").iter().flat_map(|line| bytes(line)).collect();
    assert_eq!(page, REPORT_DESCRIPTOR);
    assert_eq!(page, report_descriptor(0xff4b, 1));
}

#[test]
fn the_example_on_the_page_is_what_a_device_says() {
    let secret: Vec<u8> = (0..32).collect();
    let key = Ed25519KeyPair::from_seed_unchecked(&secret).unwrap();
    let mut dongle = Dongle::with_key("LK-00000042", key);
    dongle.memory().page = 56;
    dongle.memory().capacity = 4096;
    let dongle = Plugged::new(dongle, std::time::Duration::ZERO);
    let mut frames: Vec<(char, Vec<u8>)> = Vec::new();
    for line in blocks("frames") {
        match line.chars().next() {
            Some(way @ ('>' | '<')) => frames.push((way, bytes(&line[1..]))),
            _ => frames.last_mut().unwrap().1.extend(bytes(&line)),
        }
    }
    assert_eq!(frames.len(), 22);
    for (number, (way, mut frame)) in frames.into_iter().enumerate() {
        frame.resize(64, 0);
        match way {
            '>' => dongle.set_feature(&frame).unwrap(),
            _ => assert_eq!(dongle.get_feature().unwrap(), frame, "frame {number}"),
        }
    }
}
