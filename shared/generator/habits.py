"""What people buy, where, when and for how much: the words and figures that generated files are made of."""

from dataclasses import dataclass
from math import exp
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()
HOURS: Final = {
    "day": (0, 0, 0, 0, 0, 1, 3, 6, 9, 11, 12, 12, 12, 11, 11, 11, 12, 13, 11, 8, 5, 3, 1, 0),
    "meals": (1, 0, 0, 0, 0, 1, 3, 6, 6, 4, 5, 12, 18, 14, 6, 4, 6, 12, 18, 17, 12, 7, 4, 2),
    "commute": (1, 0, 0, 0, 1, 6, 14, 18, 14, 7, 5, 5, 6, 6, 7, 10, 16, 18, 11, 7, 5, 4, 3, 2),
    "evening": (6, 3, 2, 1, 1, 1, 2, 4, 5, 6, 6, 7, 8, 7, 7, 8, 9, 11, 13, 16, 18, 17, 14, 10),
    "night": (14, 10, 7, 3, 1, 1, 1, 2, 2, 2, 2, 3, 4, 4, 4, 5, 7, 10, 13, 15, 18, 20, 19, 17),
}
"""How often it is bought at each hour of a working day."""
WEEKENDS_LATER: Final = 1
"""So many hours later on Saturday and Sunday."""
WEEKDAYS: Final = (0.92, 0.94, 0.97, 1.02, 1.18, 1.14, 0.83)
"""How much is bought from Monday to Sunday; 1 on average."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of shops."""

    mcc: str
    noun: str
    weight: int
    """How many merchants it has, of all."""
    median_minor: int
    """In US cents; amounts are log-normal around it."""
    sigma: float
    hours: str = "day"
    online: int = 1
    """How many merchants of eight sell on the web."""
    tip: int = 0
    """Hundredths of the amount that come on top when it is cleared."""
    at_pump: bool = False
    cash_back: bool = False

    def quantiles(self, count: int) -> list[int]:
        """So many amounts in US cents, all equally likely."""
        return [max(50, round(self.median_minor * exp(self.sigma * NORMAL.inv_cdf((place + 0.5) / count)))) for place in range(count)]


TRADES: Final = (
    Trade("5411", "Market", 16, 4200, 0.8, cash_back=True),
    Trade("5812", "Kitchen", 14, 3400, 0.65, "meals", online=0, tip=18),
    Trade("5814", "Burgers", 13, 1150, 0.5, "meals"),
    Trade("5541", "Fuel", 8, 4500, 0.4, "commute", online=0, at_pump=True),
    Trade("5912", "Pharmacy", 7, 2200, 0.7, cash_back=True),
    Trade("5999", "Gifts", 7, 2600, 0.9),
    Trade("5651", "Clothing", 6, 6500, 0.8, online=3),
    Trade("5462", "Bakery", 5, 780, 0.5, "meals", online=0),
    Trade("4121", "Cabs", 4, 1800, 0.6, "night", online=5, tip=12),
    Trade("5813", "Bar", 4, 2900, 0.7, "night", online=0, tip=20),
    Trade("5200", "Hardware", 4, 7400, 0.9),
    Trade("5311", "Department Store", 3, 5600, 0.8, online=2),
    Trade("5732", "Electronics", 3, 14000, 1.0, online=4),
    Trade("5942", "Books", 3, 2300, 0.7, online=3),
    Trade("5968", "Box", 3, 1299, 0.4, "evening", online=8),
    Trade("5815", "Streaming", 3, 999, 0.5, "evening", online=8),
    Trade("4111", "Transit", 2, 350, 0.5, "commute", online=3),
    Trade("7832", "Cinema", 2, 2600, 0.4, "night", online=2),
    Trade("7997", "Gym", 2, 4500, 0.4, "commute"),
    Trade("8011", "Clinic", 2, 9000, 0.8),
    Trade("5995", "Pets", 2, 4100, 0.6, online=2),
    Trade("7011", "Hotel", 2, 21000, 0.7, "evening", online=3),
    Trade("4511", "Airways", 1, 32000, 0.8, "evening", online=8),
    Trade("4814", "Mobile", 1, 5500, 0.4, "evening", online=6),
)


@dataclass(frozen=True, slots=True)
class Town:
    """A place of shops and customers."""

    city: str
    region: str
    country: str
    zone: str
    currency: str
    prices: int
    """How many minor units a US cent buys, in hundredths."""
    weight: int


TOWNS: Final = (
    Town("New York", "NY", "US", "America/New_York", "USD", 100, 24),
    Town("Boston", "MA", "US", "America/New_York", "USD", 100, 9),
    Town("Miami", "FL", "US", "America/New_York", "USD", 100, 9),
    Town("Atlanta", "GA", "US", "America/New_York", "USD", 100, 8),
    Town("Chicago", "IL", "US", "America/Chicago", "USD", 100, 12),
    Town("Houston", "TX", "US", "America/Chicago", "USD", 100, 10),
    Town("Denver", "CO", "US", "America/Denver", "USD", 100, 6),
    Town("Phoenix", "AZ", "US", "America/Phoenix", "USD", 100, 6),
    Town("Los Angeles", "CA", "US", "America/Los_Angeles", "USD", 100, 16),
    Town("Seattle", "WA", "US", "America/Los_Angeles", "USD", 100, 8),
    Town("Montréal", "QC", "CA", "America/Toronto", "CAD", 135, 3),
    Town("Paris", "IDF", "FR", "Europe/Paris", "EUR", 92, 4),
    Town("Berlin", "BE", "DE", "Europe/Berlin", "EUR", 92, 3),
    Town("London", "LND", "GB", "Europe/London", "GBP", 79, 4),
    Town("São Paulo", "SP", "BR", "America/Sao_Paulo", "BRL", 500, 2),
    Town("Tokyo", "13", "JP", "Asia/Tokyo", "JPY", 150, 2),
)
HOMES: Final = 10
"""The towns that customers live in, the first ones."""
TAXED: Final = "US"
TAX: Final = (8, 108)
"""What of an amount is tax."""

NAMES: Final = tuple(
    "Acorn Amber Anchor Apple Aspen Bay Beacon Birch Blue Bridge Bright Canyon Cedar Central City Clover Coast Copper Corner Crown"
    " Daily Delta Eagle East Elm Ember Fern First Fox Garden Gold Grand Green Harbor Hill Hope Iron Island Ivy Jade Lake Lark Laurel"
    " Liberty Lily Lunar Maple Meadow Mill Moon North Oak Ocean Olive Orchard Park Pearl Pine Prime River Rose Royal Union".split()
)
OWNERS: Final = (
    *"Adams Baker Castro Diaz Evans Foster Garcia Hughes Ito Jensen Kim Lopez Miller Novak Olsen Patel Quinn Rossi Silva Turner".split(),
    *"Underwood Vega Walker Xu Young Zimmer".split(),
    "O'Brien",
    "Smith, Jones",
    "Café José",
    'Mama "Lu"',
    "Müller",
    "Lee & Sons",
)
"""Words with what separators, quotes and encodings must withstand among them."""
PREFIXES: Final = ("", "", "", "", "SQ *")
"""What card statements put before a name."""
PRODUCTS: Final = ("classic", "gold", "platinum", "student")
NETWORKS: Final = ("visa", "mastercard")
