//! The Zabbix template: about metrics that there are, and at work in a real Zabbix server that watches a real node.

mod api;
mod database;
mod programs;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use keynode::devices::{Access, Device};
use keynode::store::Role;
use serde_json::json;

use crate::common::{TestNode, keys};
use crate::page::{Page, forbidden, plug_in, rich_node};
use api::Api;
use programs::Zabbix;

const TEMPLATE: &str = include_str!("../../../monitoring/zabbix/template_keynode_by_http.yaml");

/// Longer than anything takes, however busy the computer is.
const PATIENCE: Duration = Duration::from_secs(100);

/// How long between two looks. Zabbix asks the node each second; that is what there is to wait for.
const LOOK: Duration = Duration::from_millis(300);

#[test]
fn the_template_is_about_metrics_that_there_are() {
    let families = Page::of(&rich_node()).families();
    let words = TEMPLATE.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> = words
        .filter(|word| word.starts_with("keynode_") || word.starts_with("process_"))
        .filter(|word| *word != "keynode_by_http")
        .collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        assert!(families.contains(name), "{name} is no metric");
    }
}

#[test]
fn every_trigger_says_where_to_read_on() {
    let manual = include_str!("../../../docs/operations.md");
    let mentions = TEMPLATE.matches(" in docs/operations.md").count();
    assert_eq!(mentions, TEMPLATE.matches("priority: ").count());
    for part in TEMPLATE.split("See ").skip(1) {
        let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(manual.contains(&format!("### {name}\n")), "{name}");
    }
}

#[test]
fn a_zabbix_server_watches_a_node_with_the_template() {
    let node = rich_node();
    node.add_user("zabbix", Role::Monitor, "secret of zabbix");
    node.add_user("till", Role::Client, "secret of the till");
    // What was refused before anybody watched is no problem later.
    let seats: Vec<String> = (0..15)
        .map(|number| node.seat(&format!("early client {number}")))
        .collect();
    node.take("one too many").expect(403);
    for seat in seats {
        node.delete(&seat).expect(200);
    }
    let zabbix = Zabbix::start();
    let mut watch = Watch {
        api: zabbix.log_in(),
        node,
        zabbix,
        host: String::new(),
    };
    watch.import();
    watch.host = watch.add_host("node", ("zabbix", "secret of zabbix"), "3m");
    let stranger = watch.add_host("seen by a stranger", ("till", "secret of the till"), "30s");

    watch.until("every item and every rule of discovery has worked", |watch| {
        let (waiting, unsupported) = watch.unfinished();
        assert!(unsupported.is_empty(), "unsupported: {unsupported:#?}");
        let found = watch.has_items(&[
            ("keynode.healthy", "1"),
            ("keynode.version", keynode::api::VERSION),
            ("keynode.series.seats[672B]", "15"),
            ("keynode.series.used[672B]", "0"),
            ("keynode.key.enabled[7131766]", "1"),
            ("keynode.key.enabled[7131768]", "1"),
            ("keynode.devices.ok[Test dongle]", "1"),
            ("keynode.devices.forbidden[Test dongle]", "1"),
            ("keynode.device.access[1-2]", "ok"),
            ("keynode.device.access[1-3]", "no_permission"),
            ("keynode.token.state[broken]", "faulty"),
        ]);
        found.and(if waiting.is_empty() {
            Ok(())
        } else {
            Err(format!("still without a value: {waiting:?}"))
        })
    });
    let forbidden_device = "The node may not use a device of the family Test dongle";
    watch.until_problems(&["Token broken cannot be used", forbidden_device]);

    let key = watch.node.licence_dir().join(keys::licence().file_name());
    let licence = std::fs::read(&key).unwrap();
    watch.node.remove(&key);
    let lost = "Key 7131766 of series 672B gives no seats any more";
    watch.until_problems(&["Token broken cannot be used", forbidden_device, lost]);
    std::fs::write(&key, licence).unwrap();
    watch.node.follow();
    watch.until_problems(&["Token broken cannot be used", forbidden_device]);

    let faulty = Device {
        access: Access::Faulty {
            reason: "it is silent".into(),
        },
        ..forbidden("D-2")
    };
    plug_in(&watch.node, faulty);
    let broken = "Device Test dongle at port 1-3 does not work";
    watch.until_problems(&["Token broken cannot be used", broken]);
    plug_in(&watch.node, forbidden("D-2"));
    watch.until_problems(&["Token broken cannot be used", forbidden_device]);

    let seats: Vec<String> = (0..15)
        .map(|number| watch.node.seat(&format!("client {number}")))
        .collect();
    let all_taken = [("keynode.series.used[672B]", "15"), ("keynode.seats.used", "15")];
    watch.until("all seats are taken", |watch| watch.has_items(&all_taken));
    // A page without figures of seats is neither a fall to none nor, when they are back, a rise.
    let held = watch.node.hold_desk();
    let sick = "The licence node is not healthy";
    watch.until_problems(&["Token broken cannot be used", forbidden_device, sick]);
    assert_eq!(watch.has_items(&all_taken), Ok(()));
    drop(held);
    // Between two pages with figures Zabbix sees a rise: so there has to be one before somebody is refused.
    watch.node.delete(&seats[0]).expect(200);
    let one_is_free = [("keynode.series.used[672B]", "14")];
    watch.until("a seat is free", |watch| watch.has_items(&one_is_free));
    watch.node.seat("client 0");
    watch.until("all seats are taken again", |watch| watch.has_items(&all_taken));
    watch.until_problems(&["Token broken cannot be used", forbidden_device]);

    watch.node.take("one too many").expect(403);
    let refused = "Series 672B: seats are refused, all are taken";
    watch.until_problems(&["Token broken cannot be used", forbidden_device, refused]);

    // Whom the node tells that it is well, and nothing else, knows that this is not all.
    watch.host = stranger;
    watch.until_problems(&["The figures of the licence node cannot be read"]);
}

/// A Zabbix server and the node that it watches.
struct Watch {
    api: Api,
    node: TestNode,
    zabbix: Zabbix,
    host: String,
}

impl Watch {
    fn import(&mut self) {
        let all = json!({ "createMissing": true, "updateExisting": true });
        let new = json!({ "createMissing": true });
        let rules = json!({
            "templates": all, "items": all, "triggers": all, "graphs": all, "discoveryRules": all,
            "templateDashboards": all, "valueMaps": all, "templateLinkage": new, "groups": new,
        });
        let import = json!({ "format": "yaml", "source": TEMPLATE, "rules": rules });
        assert_eq!(self.api.call("configuration.import", &import), true);
        // What Zabbix watches by itself is not wanted here.
        let own = self.api.call("host.get", &json!({ "output": ["hostid"] }));
        for host in own.as_array().unwrap() {
            let off = json!({ "hostid": host["hostid"], "status": 1 });
            self.api.call("host.update", &off);
        }
    }

    /// Has a host watched as this user, without data for so long before that is told; gives its number.
    fn add_host(&mut self, host: &str, (user, password): (&str, &str), nodata: &str) -> String {
        let name = json!({ "filter": { "host": "keynode by HTTP" } });
        let template = self.api.call("template.get", &name)[0]["templateid"].clone();
        let dashboards = self
            .api
            .call("templatedashboard.get", &json!({ "templateids": [template] }));
        assert_eq!(dashboards.as_array().unwrap().len(), 1);
        let group = self.api.call("hostgroup.get", &json!({ "limit": 1 }))[0]["groupid"].clone();
        let set =
            |name: &str, value: &str| json!({ "macro": format!("{{$KEYNODE.{name}}}"), "value": value });
        let host = json!({
            "host": host,
            "groups": [{ "groupid": group }],
            "templates": [{ "templateid": template }],
            "macros": [
                set("URL", &format!("http://{}", self.node.admin_address())),
                set("USER", user), set("PASSWORD", password),
                set("INTERVAL", "1s"), set("TIMEOUT", "10s"), set("NODATA", nodata),
            ],
        });
        let made = self.api.call("host.create", &host);
        made["hostids"][0].as_str().unwrap().to_owned()
    }

    /// Items and rules that have not got a value yet, and those that cannot get one, with the reason.
    fn unfinished(&mut self) -> (Vec<String>, Vec<String>) {
        let of_host = json!({ "hostids": self.host, "output": ["key_", "state", "error", "lastclock"] });
        let (mut waiting, mut unsupported) = (Vec::new(), Vec::new());
        let items = self.api.call("item.get", &of_host);
        let rules = self.api.call("discoveryrule.get", &of_host);
        for one in items.as_array().unwrap().iter().chain(rules.as_array().unwrap()) {
            let key = one["key_"].as_str().unwrap();
            if one["state"] != "0" {
                unsupported.push(format!("{key}: {}", one["error"]));
            }
            // Nothing is kept of what others are made of.
            if one["lastclock"] == "0" && !["keynode.metrics", "keynode.health"].contains(&key) {
                waiting.push(key.to_owned());
            }
        }
        (waiting, unsupported)
    }

    /// Whether items have these values; else what is missing.
    fn has_items(&mut self, wanted: &[(&str, &str)]) -> Result<(), String> {
        let of_host = json!({ "hostids": self.host, "output": ["key_", "lastvalue"] });
        let items = self.api.call("item.get", &of_host);
        for (key, value) in wanted {
            let item = items.as_array().unwrap().iter().find(|item| item["key_"] == *key);
            let told = item.map(|item| &item["lastvalue"]);
            if told.is_none_or(|told| told != value) {
                return Err(format!("{key} is {told:?}, not {value}"));
            }
        }
        Ok(())
    }

    /// Waits until exactly these triggers tell of a problem.
    fn until_problems(&mut self, wanted: &[&str]) {
        let wanted: BTreeSet<&str> = wanted.iter().copied().collect();
        self.until("the problems that there are, and no others", |watch| {
            let of_host = json!({
                "hostids": watch.host, "filter": { "value": 1 }, "expandDescription": true,
                "output": ["description"],
            });
            let triggers = watch.api.call("trigger.get", &of_host);
            let told = triggers.as_array().unwrap().iter();
            let told: BTreeSet<&str> = told.map(|one| one["description"].as_str().unwrap()).collect();
            if told == wanted {
                Ok(())
            } else {
                Err(format!("{told:?} instead of {wanted:?}"))
            }
        });
    }

    /// Looks again and again; what a look lacks is told where it is never found.
    fn until(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Result<(), String>) {
        let start = Instant::now();
        loop {
            // The node gives out a page for a second of its own time.
            self.node.clock.advance(1_000);
            let Err(lacks) = look(self) else {
                return;
            };
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for: {what}; {lacks}\n{}",
                self.zabbix.log()
            );
            std::thread::sleep(LOOK);
        }
    }
}
