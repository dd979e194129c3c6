//! A server in this process whose answers carry every name that the node sends.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use actix_server::ServerHandle;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use keynode::api::listener::{Limits, Listener, serve};

const HEAD_LIKE: &str = "\r\n\r\nHTTP/1.1 200 OK\r\nlicence-queryid: x\r\netag: y\r\n\r\n";
const LARGE: usize = 5 * 1024 * 1024;

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub(crate) fn start(tls: Option<Arc<rustls::ServerConfig>>, limits: Limits) -> Served {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let listener = Listener {
                sockets: vec![socket],
                tls,
                workers: 1,
                limits,
            };
            let server = serve(listener, |app| {
                app.default_service(web::to(answer));
            })
            .unwrap();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    Served {
        address,
        handle: receiver.recv().unwrap(),
        thread: Some(thread),
    }
}

pub(crate) fn plain() -> Served {
    start(None, Limits::default())
}

/// Answers with all the names; the body repeats the path, the peer and what was sent.
async fn answer(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if request.path() == "/later" {
        // A handler that waits lets actix look for further requests meanwhile.
        for _ in 0..3 {
            actix_rt::task::yield_now().await;
        }
    }
    let id = request
        .headers()
        .get("licence-queryid")
        .and_then(|id| id.to_str().ok())
        .unwrap_or("none")
        .to_owned();
    let mut response = HttpResponse::Ok();
    response
        .insert_header(("Licence-QueryID", id))
        .insert_header(("Licence-Signature", "c2lnbg=="))
        .insert_header(("Licence-QuerySignature", "c2lnbg=="))
        .insert_header(("Licence-ServerVersion", "3.0.0.1,Linux,x86_64"))
        .insert_header(("Licence-SessionID", "S"))
        .insert_header(("Licence-SessionExpireTime", "T"))
        .insert_header(("WWW-Authenticate", "Basic realm=\"x\""))
        .insert_header(("ETag", "\"1\""))
        .insert_header(("Location", "/api/sessions/S"))
        .insert_header(("Allow", "GET"))
        .insert_header(("Retry-After", "1"))
        .content_type("application/json;charset=utf-8");
    match request.path() {
        "/nothing" => response.status(StatusCode::NO_CONTENT).finish(),
        "/unchanged" => response.status(StatusCode::NOT_MODIFIED).finish(),
        "/large" => response.body(large()),
        "/peer" => {
            let config = request.app_config();
            let (peer, local) = (request.peer_addr().unwrap(), config.local_addr());
            response.body(format!(
                "{peer} {local} {} {}",
                config.secure(),
                request.connection_info().scheme()
            ))
        }
        path => response.body(format!(
            "{{\"path\":\"{path}\",\"body\":\"{}\"}}",
            String::from_utf8_lossy(&body)
        )),
    }
}

pub(crate) fn large() -> Vec<u8> {
    HEAD_LIKE.bytes().cycle().take(LARGE).collect()
}
