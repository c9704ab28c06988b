"""GET /stats/…: questions to the warehouse. Each answer says how right, how fresh and how whole it is."""

from ugc_api.stats.ports import Answers, check
from ugc_api.stats.routes import QUESTIONS, Stats, install

__all__ = ["QUESTIONS", "Answers", "Stats", "check", "install"]
