//! What every page has to be: whole, alone with this node, readable for everybody, at home on a phone, light.

use crate::browser::run;
use crate::stage::{act, furnished};

fn all_pages(script: &str) {
    let world = furnished();
    run(script, world.node.admin_address(), |what, value| {
        act(&world.node, what, value)
    });
}

#[test]
fn every_page_is_whole_in_both_languages_and_asks_nobody_but_this_node() {
    all_pages("pages.mjs");
}

#[test]
fn no_page_breaks_a_rule_of_accessibility_in_light_dark_or_on_a_phone() {
    all_pages("axe.mjs");
}

#[test]
fn every_page_fits_a_phone() {
    all_pages("phone.mjs");
}

#[test]
fn the_first_view_of_a_page_is_light() {
    all_pages("weight.mjs");
}

#[test]
fn the_colours_follow_the_browser_and_the_switch() {
    all_pages("colours.mjs");
}
