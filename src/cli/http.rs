//! Asks a running node on this computer, over HTTP or TLS. The node's certificate is known to the last byte, so
//! it is compared rather than trusted for its name or issuer: a self-signed one will do, and no other. Whatever listens
//! there, no command waits for it without end.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::failure::Failure;

/// Nothing is waited for longer; it is longer than the node itself waits for its parts.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole of an answer takes no longer, however slowly it comes.
const WHOLE: Duration = Duration::from_mins(5);

/// Bytes of an answer's head, at most.
const LONGEST_HEAD: u64 = 64 << 10;

/// Bytes of an answer's body, at most: more than a million sessions have.
const LONGEST_BODY: u64 = 1 << 30;

/// A request to a node.
pub(super) struct Ask<'a> {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The option of the settings that says so.
    pub(super) option: &'static str,
    /// Its certificate, where it serves TLS.
    pub(super) certificate: Option<&'a Path>,
    pub(super) verb: &'a str,
    pub(super) path: &'a str,
    /// `user:password` in Base64, where the node wants it.
    pub(super) credentials: Option<&'a str>,
}

/// What it answers.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl<'a> Ask<'a> {
    /// A request to the second listener, which has neither TLS nor login.
    pub(super) fn admin(address: SocketAddr, verb: &'a str, path: &'a str) -> Self {
        Self {
            address,
            option: "admin_listen",
            certificate: None,
            verb,
            path,
            credentials: None,
        }
    }

    /// Sends the request and reads the answer.
    pub(super) fn send(&self) -> Result<Answer, Failure> {
        let unreachable = |error| Failure::not_reachable(self.address, self.option, &error);
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).map_err(unreachable)?;
        let stream = Timed {
            stream,
            end: Instant::now() + WHOLE,
        };
        let told = |error: io::Error| Failure::of(format!("{}: {error}", self.address));
        match self.certificate {
            None => self.exchange(stream).map_err(told),
            Some(path) => self.exchange(encrypt(stream, self.address, path)?).map_err(told),
        }
    }

    fn exchange(&self, mut stream: impl Read + Write) -> io::Result<Answer> {
        let authorization = self
            .credentials
            .map(|text| format!("Authorization: Basic {text}\r\n"));
        write!(
            stream,
            "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n",
            self.verb,
            self.path,
            authorization.unwrap_or_default()
        )?;
        stream.flush()?;
        let foreign = || io::Error::other("what answers there is no keynode");
        let mut reader = BufReader::new(stream);
        let mut head = reader.by_ref().take(LONGEST_HEAD);
        let mut line = String::new();
        head.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(foreign)?;
        let mut length = None;
        loop {
            line.clear();
            head.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse::<u64>().ok();
                }
                Some(_) => {}
                None => break,
            }
        }
        let length = length
            .filter(|length| *length <= LONGEST_BODY)
            .ok_or_else(foreign)?;
        let mut body = String::new();
        reader.take(length).read_to_string(&mut body)?;
        if body.len() as u64 == length {
            Ok(Answer { status, body })
        } else {
            Err(foreign())
        }
    }
}

/// A stream whose other end is not waited for beyond a moment, whatever it sends until then.
struct Timed {
    stream: TcpStream,
    end: Instant,
}

impl Timed {
    /// How long the next step may take.
    fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left.min(PATIENCE))
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer).map_err(told)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes).map_err(told)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The system says of a time that is over that the resource is temporarily unavailable.
fn told(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

fn encrypt(
    stream: Timed,
    address: SocketAddr,
    certificate: &Path,
) -> Result<StreamOwned<ClientConnection, Timed>, Failure> {
    let unusable = |error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", certificate.display()));
    let pem = fs::read(certificate).map_err(|error| unusable(&error))?;
    let expected = CertificateDer::from_pem_slice(&pem).map_err(|error| unusable(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(Failure::of)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { expected, provider }))
        .with_no_client_auth();
    let client =
        ClientConnection::new(Arc::new(config), ServerName::from(address.ip())).map_err(Failure::of)?;
    Ok(StreamOwned::new(client, stream))
}

/// Accepts one certificate, that of the node's settings.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General(
                "another certificate than the one of the settings is served there".into(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn what_sends_a_byte_now_and_then_is_not_waited_for_without_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let sender = thread::spawn(move || {
            let (mut other, _) = listener.accept().unwrap();
            while other.write_all(b"x").is_ok() {}
        });
        let mut timed = Timed {
            stream,
            end: Instant::now() + Duration::from_millis(50),
        };
        let ended = io::copy(&mut timed, &mut io::sink()).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        assert_eq!(timed.write(b"x").unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(timed);
        sender.join().unwrap();
    }

    #[test]
    fn what_is_no_answer_is_not_read_without_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endless = thread::spawn(move || {
            let (mut other, _) = listener.accept().unwrap();
            while other.write_all(b"xxxxxxxxxxxxxxxx").is_ok() {}
        });
        let told = Ask::admin(address, "GET", "/").send().err().unwrap();
        assert!(told.to_string().contains("no keynode"), "{told}");
        endless.join().unwrap();
    }
}
