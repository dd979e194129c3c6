//! The vendor's centre: codes, who activated them where, and the licences that it signs for them.
