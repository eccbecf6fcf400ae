//! Graph's part: calls that began within days, in pages.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::World;
use super::server::{Answer, Request};

const CALL: &str = "/v1.0/communications/callRecords/getDirectRoutingCalls(";

impl World {
    pub fn calls(&mut self, request: &Request) -> Answer {
        let error = |status, code: &str, message: &str| {
            Answer::json(status, json!({"error": {"code": code, "message": message, "innerError": {}}}))
        };
        let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        if !token.is_some_and(|token| self.takes(token)) {
            return error(
                401,
                "InvalidAuthenticationToken",
                "Lifetime validation failed, the token is expired.",
            );
        }
        if !self.permitted {
            return error(403, "Forbidden", "");
        }
        let minute = |asked: &&Instant| asked.elapsed() < Duration::from_secs(60);
        if self.asked.iter().rev().take_while(minute).count() > self.limit {
            self.throttled += 1;
            return error(429, "TooManyRequests", "Too many requests.");
        }
        let rest = request.path.strip_prefix(CALL).unwrap();
        let (range, query) = rest.split_once(')').unwrap();
        let bounds: Vec<&str> = range.split(',').filter_map(|bound| Some(bound.split_once('=')?.1)).collect();
        let skip = query.strip_prefix("?$skip=").map_or(0, |skip| skip.parse().unwrap());
        let rows =
            self.rows.iter().filter(|row| (bounds[0]..bounds[1]).contains(&row.day()) && row.is_there());
        let page: Vec<&Value> = rows.clone().skip(skip).take(self.page).map(|row| &row.row).collect();
        let next = skip + self.page;
        let mut answer = json!({"@odata.context": "x", "@odata.count": page.len(), "value": page});
        if rows.count() > next {
            let link = format!("{}{CALL}{range})?$skip={}", self.entra.url, next - self.overlap);
            answer["@odata.nextLink"] = link.into();
        }
        Answer::ok(answer)
    }
}
