//! What happens in the node, told to whoever listens: the event stream, the console, webhooks. It knows of no listener.

mod feed;
mod news;

pub use feed::{Event, Feed, Generations, Next, Subscription, Topic};
pub use news::{KeyNews, News, SessionNews};
