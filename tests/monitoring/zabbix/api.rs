//! Zabbix's API: JSON-RPC over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// A session of its administrator.
pub(crate) struct Api {
    address: SocketAddr,
    session: Option<String>,
}

impl Api {
    /// Logs in with the password that a new installation has.
    pub(crate) fn log_in(address: SocketAddr) -> Self {
        let mut api = Self {
            address,
            session: None,
        };
        let session = api.call(
            "user.login",
            &json!({ "username": "Admin", "password": "zabbix" }),
        );
        api.session = Some(session.as_str().unwrap().to_owned());
        api
    }

    /// Has it do something; the result is what it says, and an error is the test's failure.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        let mut request = json!({ "jsonrpc": "2.0", "method": method, "params": parameters, "id": 1 });
        if let Some(session) = &self.session {
            request["auth"] = session.as_str().into();
        }
        let text = self.post(&request.to_string());
        let mut answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method}: {error}: {text}"));
        assert!(answer["error"].is_null(), "{method}: {:#}", answer["error"]);
        answer["result"].take()
    }

    fn post(&self, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let head = format!(
            "POST /api_jsonrpc.php HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json-rpc\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.split(' ').nth(1) == Some("200"),
            "the frontend answers: {answer}"
        );
        body.to_owned()
    }
}
