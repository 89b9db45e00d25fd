"""An office whose files are packed and encrypted, and may lie in any kind of store."""

from dataclasses import dataclass, replace

from pysequoia import Tsk

from shared.files.sealed import Keys
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import ObjectStore
from shared.platform.call import FilePlaces
from tests.integration.exports.office import Office, bought, feed, partner

OURS, THEIRS = (Tsk.generate(user_id=who) for who in ("clo", "agg-one"))


@dataclass(kw_only=True)
class PackingOffice(Office):
    """An office with keys to encrypt with, whose files may lie elsewhere."""

    sent_to: str | None = None

    @property
    def places(self) -> FilePlaces:
        key, certificates, passphrase = (self.folder / name for name in ("ours.pgp", "certificates", "passphrase"))
        places = replace(super().places, pgp_key=str(key), pgp_senders=str(certificates))
        places = replace(places, pgp_passphrase=str(passphrase)) if passphrase.exists() else places
        return replace(places, exports=self.sent_to) if self.sent_to else places

    @property
    def exports(self) -> ObjectStore:  # type: ignore[override]  # a folder elsewhere
        return open_store(self.sent_to or str(self.folder / "exports"))

    def pack(self, *, packed: bool, pgp: bool) -> None:
        """Let the partner have its files so, and two purchases be there."""
        self.partners(partner(pgp=pgp, feeds=[feed("transactions", "partner-transactions-csv", gzip=packed)]))
        self.customers("cust-1", "cust-2")
        self.keep("a", bought(1), bought(2))

    @property
    def partners_keys(self) -> Keys:
        """What the partner opens files with."""
        return Keys(key=self.folder / "theirs.pgp", senders=self.folder)
