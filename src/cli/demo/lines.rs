//! What `keynode demo --gateway` prints to try: for each service a line that goes the whole way.

use super::gateway::{DemoGateway, ITN, OMS_ID, PRODUCT_KIND, USER};

/// Whose tickets are asked for.
const OWNER: &str = "https://example.1c.ru";

/// The lines, each of which a shell takes as it stands. `@curl`, `@url` and the names are put in.
const LINES: [&str; 7] = [
    r#"(ticket=$(@curl @url/tickets -d '{"TicketOwner":"@owner","DataArea":1}' | @field(Ticket)); echo "ticket: $ticket"; @curl @url/tickets/check -d '{"Ticket":"'$ticket'","TicketOwner":"@owner"}')"#,
    r#"(@curl @url/ismp/session-keys -d '{"TokenType":"ISMP","ITN":"@itn"}'; echo; @curl '@url/ismp/session-keys?TokenType=ISMP&ITN=@itn')"#,
    r#"@curl @url/crpt/connections -d '{"OmsId":"@oms","Address":"г.Москва, ул.Вавилова, д.19","ITN":"@itn"}'"#,
    r#"(process=$(@curl @url/taxcom/processes -d '{"Kind":"SubscriberID","ITN":"@itn"}' | @field(ID)); for i in $(seq 60); do @curl @url/taxcom/processes/$process | grep Обработана && break; sleep 1; done)"#,
    r#"@curl @url/taxcom/cabinet -d '{"ITN":"@itn"}'"#,
    "@curl @url/taxcom/registered",
    r#"@curl @url/ismp/session-keys/by-product -d '{"ScanParameters":{"ITN":"@itn","Operation":"ВыводИзОборотаРозничнаяПродажа","KKTCheckRequired":true},"ProductKind":"@kind"}'"#,
];

/// The field of this name in a line of JSON.
fn field(name: &str) -> String {
    format!(r#"sed 's/.*"{name}":"\([^"]*\)".*/\1/'"#)
}

/// The lines for a node at this address, asked by this command.
pub(super) fn lines(url: &str, curl: &str) -> Vec<String> {
    let curl = format!("{curl} -u {}:{}", USER.0, USER.1);
    let whole = |line: &&str| {
        line.replace("@field(Ticket)", &field("Ticket"))
            .replace("@field(ID)", &field("ID"))
            .replace("@owner", OWNER)
            .replace("@itn", ITN)
            .replace("@oms", OMS_ID)
            .replace("@kind", PRODUCT_KIND)
            .replace("@curl", &curl)
            .replace("@url", url)
    };
    LINES.iter().map(whole).collect()
}

/// What is said before them.
pub(super) fn heading(gateway: &DemoGateway) -> String {
    format!(
        "The operators' services are stand-ins at {}, which judge signatures with openssl; their user here is {}/{}, the \
         organisation {ITN}. A ticket, a session key of IS MP, a connection of CRPT; 1C-Taxcom: an application until it is \
         decided (some seconds), the cabinet, the configuration; a session key for the retail sale of milk:",
        gateway.url(),
        USER.0,
        USER.1
    )
}
