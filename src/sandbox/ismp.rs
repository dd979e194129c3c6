//! A stand-in for IS MP, the True API: challenges that are good once, tokens for signatures that hold, and the operator's own
//! words for those that do not.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::judge::Judge;
use super::server::{Asked, Said, Sandbox};
use super::world::World;

/// The path of its API.
const API: &str = "/api/v3/true-api/";

/// Requests in a second beyond which a participant is blocked.
const MOST: usize = 50;

/// What is remembered of those.
const TOO_FAST: &str = "more than 50 requests to IS MP in a second";

/// Life of a challenge.
const CHALLENGE: Duration = Duration::from_mins(5);

/// Life of a token, in seconds.
const LIFE: u64 = 10 * 60 * 60;

/// What it remembers.
#[derive(Default)]
pub(super) struct Memory {
    /// Challenges by uuid.
    challenges: HashMap<String, (String, Instant)>,
    /// The live token of each connection of the order management station.
    connections: HashMap<String, String>,
    /// Who may sign for whom: person and organisation.
    trusted: HashSet<(String, String)>,
    /// Every token that was given out.
    tokens: Vec<String>,
    /// Requests of the last second.
    recent: VecDeque<Instant>,
}

impl Sandbox {
    /// Registers a power of attorney (МЧД): the person may sign for the organisation.
    pub fn trust(&self, person: &str, organization: &str) {
        let trusted = &mut self.world().ismp.trusted;
        trusted.insert((person.into(), organization.into()));
    }

    /// Whether a token of the order management station (`clientToken`) has not been replaced by a newer one.
    pub fn client_token_lives(&self, token: &str) -> bool {
        self.world().ismp.connection_of(token).is_some()
    }

    /// The tokens of IS MP that were given out, in their order.
    pub fn ismp_tokens(&self) -> Vec<String> {
        self.world().ismp.tokens.clone()
    }
}

impl Memory {
    /// The connection of the order management station that a `clientToken` is for; none: it is not alive.
    pub(super) fn connection_of(&self, token: &str) -> Option<&str> {
        let mut all = self.connections.iter();
        let found = all.find(|(_, own)| *own == token);
        found.map(|(connection, _)| connection.as_str())
    }

    /// Whether a request is one too many.
    fn is_too_fast(&mut self, now: Instant) -> bool {
        self.recent.retain(|then| now - *then < Duration::from_secs(1));
        self.recent.push_back(now);
        self.recent.len() > MOST
    }

    fn challenge(&mut self) -> Said {
        let uuid = uuid::Uuid::new_v4().to_string();
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let bytes = random.iter().flat_map(|random| random.into_bytes()).take(30);
        let data: String = bytes.map(|byte| char::from(b'A' + byte % 26)).collect();
        self.challenges
            .insert(uuid.clone(), (data.clone(), Instant::now()));
        Said::json(200, &json!({ "uuid": uuid, "data": data }))
    }

    /// Takes a challenge: by its uuid, or by what is signed where no uuid is sent.
    fn take(&mut self, uuid: Option<&str>, content: &[u8]) -> Option<String> {
        self.challenges.retain(|_, (_, made)| made.elapsed() < CHALLENGE);
        let known = || {
            self.challenges
                .iter()
                .find(|(_, (data, _))| data.as_bytes() == content)
        };
        let uuid = match uuid {
            Some(uuid) => uuid.to_owned(),
            None => known()?.0.clone(),
        };
        self.challenges.remove(&uuid).map(|(data, _)| data)
    }

    fn grant(&mut self, door: &Door, itn: &str) -> Said {
        let random = uuid::Uuid::new_v4();
        let token = match door {
            Door::Station(_) => random.to_string(),
            Door::Token | Door::Retail => jwt(itn, random),
        };
        self.tokens.push(token.clone());
        match door {
            Door::Token => Said::json(200, &json!({ "token": token })),
            Door::Station(connection) => {
                self.connections.insert(connection.clone(), token.clone());
                Said::json(200, &json!({ "token": token }))
            }
            Door::Retail => Said::json(
                200,
                &json!({ "access_token": token, "expires_in": LIFE, "id_token": null, "token_type": "Bearer" }),
            ),
        }
    }
}

/// Where somebody signs in.
enum Door {
    Token,
    /// Of this connection.
    Station(String),
    Retail,
}

/// Answers what is its own.
pub(super) fn answer(world: &Mutex<World>, judge: &Judge, asked: &Asked) -> Option<Said> {
    let path = asked.path.strip_prefix(API)?;
    let memory = || world.lock().unwrap_or_else(PoisonError::into_inner);
    if memory().ismp.is_too_fast(Instant::now()) {
        memory().offended(TOO_FAST);
        return Some(refuse(429, "Превышено допустимое количество запросов"));
    }
    let accept = asked.header("accept").unwrap_or("*/*");
    if !accept.contains("*/*") && !accept.contains("application/json") {
        return Some(refuse(406, "Not Acceptable"));
    }
    let door = match (asked.method.as_str(), path) {
        ("GET", "auth/key") => return Some(memory().ismp.challenge()),
        ("POST", "auth/simpleSignIn") => Door::Token,
        ("POST", "auth/permissive-access") => Door::Retail,
        ("POST", path) => Door::Station(path.strip_prefix("auth/simpleSignIn/")?.to_owned()),
        _ => return None,
    };
    if let Door::Station(connection) = &door
        && memory().crpt.station_of(connection).is_none()
    {
        return Some(refuse(403, "Соединение не зарегистрировано"));
    }
    let judged = admit(world, judge, &door, asked);
    Some(judged.map_or_else(|refusal| refusal, |itn| memory().ismp.grant(&door, &itn)))
}

/// Whose signature it is, where it is one that counts.
fn admit(world: &Mutex<World>, judge: &Judge, door: &Door, asked: &Asked) -> Result<String, Said> {
    let bad = |words: &str| refuse(400, words);
    if asked.body.is_empty() {
        return Err(bad("Тело запроса не может быть пустым"));
    }
    let body = asked.json();
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if text("inn").is_some() && body.get("unitedToken") == Some(&Value::Bool(true)) {
        return Err(bad("Одновременное заполнение inn и unitedToken невозможно"));
    }
    let retail = matches!(door, Door::Retail);
    let uuid = text("uuid").filter(|_| !retail);
    if uuid.is_none() && !retail {
        return Err(bad("В запросе отсутствует идентификатор авторизации (UUID)"));
    }
    let data = text("data").ok_or_else(|| bad("В запросе отсутствует параметр data"))?;
    let message = STANDARD
        .decode(data)
        .map_err(|_| bad("Ошибка при проверке подписи"))?;
    let attached = judge.is_attached(&message);
    let attached = attached.map_err(|_| bad("Ошибка при проверке подписи"))?;
    let verdict = if attached {
        judge.verify(&message, None)
    } else {
        Err("2".into())
    };
    // A challenge is used up, whatever comes of it.
    let mut memory = world.lock().unwrap_or_else(PoisonError::into_inner);
    let content = verdict.as_ref().map_or(&[][..], |verdict| &verdict.content);
    let challenge = memory.ismp.take(uuid, content);
    let challenge = match (challenge, uuid) {
        (Some(challenge), _) => challenge,
        (None, Some(uuid)) => {
            return Err(bad(&format!("UUID не найден в хранилище ключей. UUID = {uuid}")));
        }
        (None, None) => return Err(refuse(403, "Проверка подписи не пройдена")),
    };
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(_) if !attached => return Err(refuse(403, "Ошибка авторизации. Код ошибки: 2")),
        Err(why) => return Err(refuse(403, &format!("Подпись невалидна. Код ошибки:{why}"))),
    };
    if verdict.content != challenge.as_bytes() {
        return Err(bad("Подпись не валидна"));
    }
    let own = verdict
        .itn
        .ok_or_else(|| refuse(403, "В сертификате отсутствует ИНН"))?;
    let Some(itn) = text("inn") else {
        return Ok(own);
    };
    if !matches!(itn.len(), 10 | 12) || !itn.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(
            "В параметре inn должен быть передан ИНН организации (10 или 12 цифр)",
        ));
    }
    let trusted = !retail && memory.ismp.trusted.contains(&(own.clone(), itn.to_owned()));
    if itn != own && !trusted {
        let words = format!("ИНН организации {itn} не найден среди доверенных организаций пользователя");
        return Err(refuse(403, &words));
    }
    Ok(itn.to_owned())
}

fn refuse(status: u16, words: &str) -> Said {
    Said::json(status, &json!({ "error_message": words }))
}

/// A token as IS MP makes them, signed by nobody.
fn jwt(itn: &str, random: uuid::Uuid) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let issued = since.as_secs();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({ "alg": "ES256", "typ": "JWT" }));
    let claims = part(&json!({ "inn": itn, "jti": random.to_string(), "iat": issued, "exp": issued + LIFE }));
    format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(random.as_bytes()))
}
