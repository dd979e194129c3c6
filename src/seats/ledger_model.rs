//! The simple model of the ledger: a list of sessions, walked over for every question. Which session of a
//! crowded key moves or ends is the ledger's choice: the model learns it, and checks that it was right to.

use super::*;

#[derive(Clone, Debug)]
struct Seat {
    id: Id,
    client: String,
    code: Option<String>,
    key_no: KeyNo,
    expires: Millis,
    /// The end of its life that the next commit leaves on disk: what a restart adds is not written.
    written: Millis,
    saved: bool,
}

/// How it stood with a key from a time on: it was enabled and had seats for all; it was not, or had not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Sound,
    Idle,
    Crowded,
}

pub(super) struct Model {
    rules: LedgerRules,
    seats: Vec<Seat>,
    /// Sessions that are only listed, and until when.
    listed: Vec<(Id, Millis)>,
    offers: Vec<Offer>,
    /// All that was ever seen of each key.
    history: BTreeMap<KeyNo, Vec<(Millis, Standing)>>,
}

impl Model {
    pub(super) fn new(rules: LedgerRules) -> Self {
        Self {
            rules,
            seats: Vec::new(),
            listed: Vec::new(),
            offers: Vec::new(),
            history: BTreeMap::new(),
        }
    }

    /// Spec, row 34. The result is also the time.
    pub(super) fn restored(rules: LedgerRules, restored: &Restored) -> (Self, Millis) {
        let mut model = Self::new(rules);
        let LedgerTime { time, clean } = restored.time;
        let now = if clean { time } else { time.saturating_sub(60_000) };
        for session in &restored.sessions {
            model.seats.push(Seat {
                id: session.id,
                client: session.fields.client_session_id.to_string(),
                code: session.fields.access_code.as_deref().map(Into::into),
                key_no: session.key_no,
                expires: session.expires.max(now + 30_000),
                written: session.expires,
                saved: true,
            });
        }
        model.note(now);
        (model, now)
    }

    fn offer_of(&self, key_no: KeyNo) -> Option<&Offer> {
        self.offers
            .iter()
            .find(|offer| offer.key_no == key_no && offer.enabled.is_ok())
    }

    pub(super) fn capacity(&self, key_no: KeyNo) -> usize {
        self.offer_of(key_no).map_or(0, |offer| offer.seats as usize)
    }

    fn used(&self, key_no: KeyNo) -> usize {
        self.seats.iter().filter(|seat| seat.key_no == key_no).count()
    }

    fn crowded(&self, key_no: KeyNo) -> bool {
        self.used(key_no) > self.capacity(key_no)
    }

    /// Notes how it stands with the keys.
    fn note(&mut self, now: Millis) {
        for key_no in 1..=5 {
            let standing = match self.offer_of(key_no) {
                _ if self.crowded(key_no) => Standing::Crowded,
                Some(_) => Standing::Sound,
                None => Standing::Idle,
            };
            let history = self.history.entry(key_no).or_default();
            if history.last().is_none_or(|(_, last)| *last != standing) {
                history.push((now, standing));
            }
        }
    }

    /// When the grace of a key's sessions ends (spec, row 33): their graces so far add up, and are forgotten
    /// where the key was sound for a whole grace.
    fn deadline(&self, key_no: KeyNo) -> Option<Millis> {
        let history = self.history.get(&key_no)?;
        let (since, _) = *history.last().filter(|(_, last)| *last == Standing::Crowded)?;
        let mut spent = 0;
        for stretch in history.windows(2) {
            let lasted = stretch[1].0 - stretch[0].0;
            match stretch[0].1 {
                Standing::Sound if lasted >= self.rules.grace => spent = 0,
                Standing::Crowded => spent = (spent + lasted).min(self.rules.grace),
                _ => {}
            }
        }
        Some(since + self.rules.grace - spent)
    }

    /// Spec, rows 24 and 40.
    fn choose(&self, code: Option<&str>) -> Result<KeyNo, Reason> {
        if self.offers.is_empty() {
            return Err(Reason::UnknownSeries);
        }
        let mut usable: Vec<&Offer> = self.offers.iter().filter(|offer| offer.enabled.is_ok()).collect();
        if !usable.iter().any(|offer| offer.key_type == Main) {
            usable.retain(|offer| offer.key_type != Additional);
        }
        if usable.is_empty() {
            return Err(Reason::NotWorkable);
        }
        usable.retain(|offer| self.used(offer.key_no) < offer.seats as usize);
        let far = Timestamp::from_millis(i64::MAX);
        let rank = |offer: &&Offer| (offer.key_type, offer.expires.unwrap_or(far), offer.key_no);
        let own = |offer: &&&Offer| code.is_some_and(|code| offer.codes.contains(&code.to_owned()));
        let reserved = usable.iter().filter(own).min_by_key(|offer| rank(offer));
        let open = || {
            usable
                .iter()
                .filter(|offer| offer.codes.is_empty())
                .min_by_key(|offer| rank(offer))
        };
        reserved
            .or_else(open)
            .map(|offer| offer.key_no)
            .ok_or(Reason::NoFreeSeat)
    }

    pub(super) fn offer(&mut self, now: Millis, offers: Vec<Offer>, ledger: &Ledger) {
        self.offers = offers;
        self.note(now);
        self.learn_moves(now, ledger);
        self.end_graces(now, ledger);
    }

    /// Follows the ledger where it moved sessions: off crowded keys only, to a seat that they may have, and
    /// as many as there are seats for.
    fn learn_moves(&mut self, now: Millis, ledger: &Ledger) {
        for place in 0..self.seats.len() {
            let session = ledger.find(self.seats[place].id).unwrap();
            if session.key_no != self.seats[place].key_no {
                assert!(self.crowded(self.seats[place].key_no), "moved off a sound key");
                let open_to = |offer: &&Offer| {
                    let code = self.seats[place].code.as_ref();
                    offer.codes.is_empty() || code.is_some_and(|code| offer.codes.contains(code))
                };
                let home = self.offer_of(session.key_no).filter(open_to);
                assert!(home.is_some(), "moved to a key of others");
                self.seats[place].key_no = session.key_no;
                self.seats[place].written = session.expires;
                assert!(!self.crowded(session.key_no), "moved to a full key");
            }
        }
        for seat in &self.seats {
            let stranded = self.crowded(seat.key_no) && self.choose(seat.code.as_deref()).is_ok();
            assert!(!stranded, "{seat:?} could have moved");
        }
        self.note(now);
    }

    pub(super) fn advance(&mut self, now: Millis, ledger: &Ledger) {
        self.listed.retain(|(_, until)| *until > now);
        for seat in self.seats.extract_if(.., |seat| seat.expires <= now) {
            let until = seat.expires + self.rules.life;
            self.listed.extend((until > now).then_some((seat.id, until)));
        }
        self.note(now);
        self.learn_moves(now, ledger);
        self.end_graces(now, ledger);
    }

    fn end_graces(&mut self, now: Millis, ledger: &Ledger) {
        for key_no in 1..=5 {
            if self.deadline(key_no).is_some_and(|deadline| deadline <= now) {
                let surplus = self.used(key_no) - self.capacity(key_no);
                let ended = |seat: &mut Seat| seat.key_no == key_no && ledger.find(seat.id).unwrap().ended;
                let ended: Vec<Seat> = self.seats.extract_if(.., ended).collect();
                assert_eq!(ended.len(), surplus);
                self.listed
                    .extend(ended.iter().map(|seat| (seat.id, now + self.rules.life)));
            }
        }
        self.note(now);
    }

    /// The key on which a new session would sit, or the one on which this client's session sits.
    pub(super) fn take(&self, client: &str, code: Option<&str>) -> Result<KeyNo, Reason> {
        match self.seats.iter().find(|seat| seat.client == client) {
            Some(seat) => Ok(seat.key_no),
            None => self.choose(code),
        }
    }

    pub(super) fn took(&mut self, now: Millis, taken: &Taken, key_no: KeyNo) {
        let session = &taken.session;
        assert_eq!((session.key_no, session.expires), (key_no, now + self.rules.life));
        let client = session.fields.client_session_id.to_string();
        let known = self.seats.iter().position(|seat| seat.client == client);
        assert_eq!(taken.new, known.is_none());
        if known.is_some() {
            return self.renewed(now, &client);
        }
        self.seats.push(Seat {
            id: session.id,
            client,
            code: session.fields.access_code.as_deref().map(Into::into),
            key_no,
            expires: session.expires,
            written: session.expires,
            saved: false,
        });
    }

    pub(super) fn renewed(&mut self, now: Millis, client: &str) {
        for seat in self.seats.iter_mut().filter(|seat| seat.client == client) {
            seat.expires = now + self.rules.life;
            seat.written = seat.expires;
        }
    }

    pub(super) fn release(&mut self, now: Millis, client: &str, ledger: &Ledger) {
        self.seats.retain(|seat| seat.client != client);
        self.note(now);
        self.learn_moves(now, ledger);
    }

    pub(super) fn saved(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.saved = true);
    }

    pub(super) fn not_saved(&mut self, now: Millis, ledger: &Ledger) {
        self.seats.retain(|seat| seat.saved);
        self.note(now);
        self.learn_moves(now, ledger);
    }

    pub(super) fn is_unsaved(&self, client: &str) -> bool {
        self.seats.iter().any(|seat| seat.client == client && !seat.saved)
    }

    pub(super) fn id_of(&self, client: &str) -> Option<Id> {
        self.seats
            .iter()
            .find(|seat| seat.client == client)
            .map(|seat| seat.id)
    }

    /// What is on disk is what the ledger promised.
    pub(super) fn check_disk(&self, disk: &BTreeMap<u64, Arc<Session>>) {
        let mut rows: Vec<_> = disk
            .values()
            .map(|row| (row.id, row.key_no, row.expires))
            .collect();
        let mut seats: Vec<_> = self
            .seats
            .iter()
            .map(|seat| (seat.id, seat.key_no, seat.written))
            .collect();
        rows.sort_unstable();
        seats.sort_unstable();
        assert_eq!(rows, seats);
    }

    /// The ledger shows what the model holds.
    pub(super) fn check(&self, now: Millis, ledger: &Ledger) {
        let page = ledger.page(None, usize::MAX);
        assert!(page.is_sorted_by_key(|session| (session.created, session.id)));
        assert_eq!(page.len(), self.seats.len() + self.listed.len());
        assert_eq!(ledger.live(), self.seats.len());
        for seat in &self.seats {
            let session = ledger.find_identity(series("672B"), &seat.client).unwrap();
            let seen = (session.id, session.key_no, session.expires, session.ended);
            assert_eq!(seen, (seat.id, seat.key_no, seat.expires, false));
            let alike = self.seats.iter().filter(|other| other.client == seat.client);
            assert_eq!(alike.count(), 1, "one client with two seats");
        }
        for (id, _) in &self.listed {
            assert!(ledger.find(*id).unwrap().ended);
        }
        for key_no in 1..=5 {
            assert_eq!(ledger.used(key_no), self.used(key_no));
        }
        let lives = self.seats.iter().map(|seat| seat.expires);
        let listings = self.listed.iter().map(|(_, until)| *until);
        let graces = (1..=5).filter_map(|key_no| self.deadline(key_no));
        let next = lives.chain(listings).chain(graces).min();
        assert_eq!(ledger.next_deadline(), next);
        assert!(next.is_none_or(|next| next > now), "the desk would spin");
    }
}
