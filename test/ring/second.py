"""The ring's tables a second time, in another language, from the rules in src/ring/*.ts and nothing else.

Reads JSON from stdin: [{"copies": 2, "lists": [nodes of epoch 1, nodes of epoch 2, ...]}, ...] where a node is {"name", "weight",
"zone"} and a list may be {"copies": 3, "nodes": [...]} to change the copies. Writes the quotas and the fingerprint of every epoch.
Python 3, standard library. All numbers are whole, so it must agree with the first implementation to the last byte.
"""
import base64
import hashlib
import json
import sys

SLOTS, PARTS, ROUNDS, GONE = 16384, 256, 12, -1
LOAD_PARTS, FIRST_LIMIT, ROUGH_LIMIT = 1000, 1062, 4000


def share_out(total, weights, limits):
    """By weight, nobody above the limit, largest remainder, the first of equals."""
    given, still = [0] * len(weights), [n for n, weight in enumerate(weights) if weight > 0]
    while True:
        weight = sum(weights[n] for n in still)
        full = [n for n in still if total * weights[n] > limits[n] * weight]
        if not full:
            break
        for n in full:
            given[n] = limits[n]
            total -= limits[n]
        still = [n for n in still if n not in full]
    for n in still:
        given[n] = total * weights[n] // weight
    rest = total - sum(given[n] for n in still)
    for n in sorted(still, key=lambda n: (-(total * weights[n] % weight), n))[:rest]:
        given[n] += 1
    return given


class Quotas:
    def __init__(self, nodes, copies):
        names = sorted({node["zone"] or "" for node in nodes})
        weights = self.weights = [node["weight"] for node in nodes]
        self.zone = [names.index(node["zone"] or "") for node in nodes]
        members = [[n for n, zone in enumerate(self.zone) if zone == z and weights[n] > 0] for z in range(len(names))]
        self.width = min(copies, sum(map(len, members)))
        self.per_zone = 1
        while sum(min(len(of), self.per_zone) for of in members) < self.width:
            self.per_zone += 1
        zones = share_out(
            SLOTS * self.width,
            [sum(weights[n] for n in of) for of in members],
            [SLOTS * min(len(of), self.per_zone) for of in members],
        )
        self.copies = [0] * len(nodes)
        for of, total in zip(members, zones):
            for n, slots in zip(of, share_out(total, [weights[n] for n in of], [SLOTS] * len(of))):
                self.copies[n] = slots
        self.homes = self.copies if self.width == 1 else share_out(SLOTS, weights, [SLOTS] * len(nodes))

    def may_meet(self, a, b):
        return a != b and (self.per_zone > 1 or self.zone[a] != self.zone[b])


def spread(rows, columns, may_meet):
    """The evenest table with these sums: rows and columns scaled in turns."""
    size = range(len(rows))
    table = [[PARTS + columns[b] if rows[a] and columns[b] and may_meet(a, b) else 0 for b in size] for a in size]
    for _ in range(ROUNDS):
        for a in size:
            total = sum(table[a])
            if total:
                table[a] = [cell * rows[a] * PARTS // total for cell in table[a]]
        for b in size:
            total = sum(table[a][b] for a in size)
            if total:
                for a in size:
                    table[a][b] = table[a][b] * columns[b] * PARTS // total
    return table


def mixed_order(epoch):
    def mix(x):
        x = ((x ^ x >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
        x = ((x ^ x >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
        return x ^ x >> 16

    salt = epoch * 0x9E3779B1 & 0xFFFFFFFF
    return sorted(range(SLOTS), key=lambda slot: mix(slot ^ salt))


def chain(size, lack, takers_of):
    """The shortest way from a node with too much to one with too little."""
    reached = [n for n in range(size) if lack[n] < 0]
    came_from = {n: n for n in reached}
    for giver in reached:
        for taker in takers_of(giver, came_from):
            came_from[taker] = giver
            reached.append(taker)
            if lack[taker] > 0:
                way = [taker]
                while came_from[way[0]] != way[0]:
                    way.insert(0, came_from[way[0]])
                return way
    return []


def along(way, lack, candidates, hand_over):
    """Hands slots over along a chain, the end first: an eighth of what is wanted, those that gain most."""
    hops = list(zip(way, way[1:]))
    if hops:
        wanted = min(-lack[way[0]], lack[way[-1]])
        count = min([(wanted + 7) // 8] + [sum(1 for _ in candidates(*hop)) for hop in hops])
        for giver, taker in reversed(hops):
            able = sorted(candidates(giver, taker), key=lambda each: -each[1])
            for slot, _ in able[:count]:
                hand_over(slot, giver, taker)


class Copies:
    """Who owns each slot."""

    def __init__(self, quotas, rows, homes, order):
        self.quotas, self.rows, self.homes, self.order = quotas, rows, homes, order
        self.size = len(quotas.copies)
        sums = [copies * (quotas.width - 1) for copies in quotas.copies]
        half = spread(sums, sums, quotas.may_meet)
        self.want = [[half[a][b] + half[b][a] for b in range(self.size)] for a in range(self.size)]
        self.lack, self.room = list(quotas.copies), [0] * self.size
        for row in rows:
            self.count_room(row, 1)
            there = [node for node in row if node != GONE]
            for k, node in enumerate(there):
                self.lack[node] -= 1
                for partner in there[:k]:
                    self.count(node, partner, 1)

    def count(self, a, b, by):
        self.want[a][b] -= 2 * PARTS * by
        self.want[b][a] -= 2 * PARTS * by

    def count_room(self, row, by):
        if GONE in row:
            for node in range(self.size):
                self.room[node] += 0 if node in row else by

    def beside(self, row, k):
        return [node for j, node in enumerate(row) if j != k and node != GONE]

    def allowed(self, others, node):
        zone = self.quotas.zone
        return node not in others and sum(zone[o] == zone[node] for o in others) < self.quotas.per_zone

    def fit(self, others, node):
        return sum(self.want[node][other] for other in others)

    def best(self, others, nodes):
        """Who must be everywhere that is left, then best for the pairs, then most lacking, then first by name."""
        able = [n for n in nodes if self.allowed(others, n)]
        key = lambda n: (self.lack[n] >= self.room[n], self.fit(others, n), self.lack[n], -n)
        return max(able, key=key, default=None)

    def put(self, slot, k, node):
        row = self.rows[slot]
        others, before = self.beside(row, k), row[k]
        for other in others:
            if before != GONE:
                self.count(before, other, -1)
            self.count(node, other, 1)
        if before != GONE:
            self.lack[before] += 1
            if self.homes[slot] == before:
                self.homes[slot] = GONE
        self.lack[node] -= 1
        row[k] = node

    def lacking(self):
        return [n for n in range(self.size) if self.lack[n] > 0]

    def surplus(self):
        return -sum(lack for lack in self.lack if lack < 0)

    def settle(self):
        active = [n for n in range(self.size) if self.quotas.copies[n] > 0]
        for slot in self.order:
            row = list(self.rows[slot])
            for k, node in enumerate(row):
                if node == GONE:
                    others = self.beside(self.rows[slot], k)
                    taker = self.best(others, self.lacking())
                    self.put(slot, k, self.best(others, active) if taker is None else taker)
            self.count_room(row, -1)
        before = None
        while self.surplus() not in (0, before):
            before = self.surplus()
            self.hand_over_once()
        while self.surplus() > 0:
            before = self.surplus()
            way = chain(self.size, self.lack, self.takers_of)
            along(way, self.lack, self.candidates, lambda slot, giver, taker: self.put(slot, self.rows[slot].index(giver), taker))
            if self.surplus() >= before:
                break

    def hand_over_once(self):
        lacking = self.lacking()
        for slot in self.order:
            if not lacking:
                return
            row, found = self.rows[slot], None
            for k, giver in enumerate(row):
                if self.lack[giver] >= 0:
                    continue
                others = self.beside(row, k)
                taker = self.best(others, lacking)
                if taker is None:
                    continue
                gain = self.fit(others, taker) - self.fit(others, giver)
                if found is None or gain > found[0]:
                    found = (gain, k, taker)
            if found:
                self.put(slot, found[1], found[2])
                lacking = self.lacking()

    def takers_of(self, giver, reached):
        wanted = {n for n in range(self.size) if n not in reached and self.quotas.copies[n] > 0}
        takers = set()
        for slot in self.order:
            if not wanted:
                break
            row = self.rows[slot]
            if giver in row:
                others = self.beside(row, row.index(giver))
                takers |= {n for n in wanted if self.allowed(others, n)}
                wanted -= takers
        return sorted(takers)

    def candidates(self, giver, taker):
        for slot in self.order:
            row = self.rows[slot]
            if giver in row:
                others = self.beside(row, row.index(giver))
                if self.allowed(others, taker):
                    yield slot, self.fit(others, taker) - self.fit(others, giver)


class Flow:
    """What gets through a network: one shortest way after another, arcs in the order in which they were laid."""

    def __init__(self):
        self.open, self.ends, self.arcs = [], [], {}

    def lay(self, start, end, limit, carried):
        arc = len(self.ends)
        self.ends += [end, start]
        self.open += [limit - carried, carried]
        self.arcs.setdefault(start, []).append(arc)
        self.arcs.setdefault(end, []).append(arc + 1)
        return arc

    def way(self, by):
        for place in (places := ["source"]):
            for arc in self.arcs.get(place, []):
                end = self.ends[arc]
                if self.open[arc] and end not in by:
                    by[end] = arc
                    if end == "sink":
                        way = [arc]
                        while self.ends[way[-1] ^ 1] != "source":
                            way.append(by[self.ends[way[-1] ^ 1]])
                        return way
                    places.append(end)
        return []

    def send(self):
        """All that gets through; then the places that the source still reaches."""
        while way := self.way(by := {"source": None}):
            amount = min(self.open[arc] for arc in way)
            for arc in way:
                self.open[arc] -= amount
                self.open[arc ^ 1] += amount
        return by


class Homes:
    """Which owner comes first, and which second."""

    def __init__(self, quotas, rows, homes, order):
        self.quotas, self.rows, self.homes, self.order = quotas, rows, homes, order
        self.size = range(len(quotas.homes))
        self.loads = [FIRST_LIMIT for _ in self.size]

    def settle(self):
        if self.quotas.width > 1:
            self.choose()
            self.reorder()

    def set(self, slot, home, following):
        row = self.rows[slot]
        for node in (following, home):
            row.remove(node)
            row.insert(0, node)
        self.homes[slot] = home

    def choose(self):
        want, lacking = {}, list(self.quotas.homes)
        for a in self.size:
            able = [self.quotas.homes[b] if self.quotas.may_meet(a, b) else 0 for b in self.size]
            for b in self.size:
                want[a, b] = self.quotas.homes[a] * PARTS * able[b] // sum(able) if sum(able) else 0

        def count(home, following):
            lacking[home] -= 1
            want[home, following] -= PARTS

        for row, home in zip(self.rows, self.homes):
            if home != GONE:
                row.remove(home)
                row.insert(0, home)
                count(*row[:2])
        for slot in self.order:
            if self.homes[slot] == GONE:
                row = self.rows[slot]
                able = [node for node in row if lacking[node] > 0] or row
                pair = max(((a, b) for a in able for b in row if a != b), key=lambda pair: want[pair])
                self.set(slot, *pair)
                count(*pair)

    def limit(self, home, following):
        """How often the second may follow the first."""
        weights = self.quotas.weights
        left = sum(weights) - weights[home]
        carried = self.loads[home] * SLOTS * weights[following] // (LOAD_PARTS * left) if left else 0
        return max(0, min(SLOTS, carried) - self.quotas.homes[following])

    def reorder(self):
        held, pairs, groups = [0 for _ in self.size], {(a, b): 0 for a in self.size for b in self.size}, {}
        for slot in self.order:
            row = self.rows[slot]
            slots, fitting, waiting = groups.setdefault(tuple(sorted(row)), ([], {}, []))
            slots.append(slot)
            pair = tuple(row[:2])
            if held[row[0]] < self.quotas.homes[row[0]] and pairs[pair] < self.limit(*pair):
                held[row[0]] += 1
                pairs[pair] += 1
                fitting[pair] = fitting.get(pair, 0) + 1
            else:
                waiting.append(slot)
        flow = Flow()
        wide, ways = {}, {}
        for a in self.size:
            flow.lay(a, "sink", self.quotas.homes[a], held[a])
            for b in self.size:
                wide[a, b] = flow.lay((a, b), a, self.limit(a, b), pairs[a, b])
        for owners, (slots, fitting, waiting) in groups.items():
            group = ("group", owners)
            if waiting:
                flow.lay("source", group, len(waiting), 0)
            ways[owners] = [
                ((a, b), flow.lay(group, (a, b), len(slots), fitting.get((a, b), 0)))
                for a in owners
                for b in owners
                if a != b
            ]
        while True:
            reached = flow.send()
            met = [a for a in self.size if a not in reached and any((a, b) in reached for b in self.size)]
            if not met:
                break
            lowest = min(self.loads[a] for a in met)
            for a in [a for a in met if self.loads[a] == lowest]:
                before = [self.limit(a, b) for b in self.size]
                self.loads[a] += self.loads[a] // (LOAD_PARTS if self.loads[a] < ROUGH_LIMIT else 2)
                for b in self.size:
                    flow.open[wide[a, b]] += self.limit(a, b) - before[b]
        for owners, (slots, _, _) in groups.items():
            wanted = {pair: flow.open[arc + 1] for pair, arc in ways[owners]}
            others = []
            for slot in slots:
                pair = tuple(self.rows[slot][:2])
                if wanted[pair]:
                    wanted[pair] -= 1
                else:
                    others.append(slot)
            orders = [pair for pair, count in wanted.items() for _ in range(count)]
            for slot, pair in zip(others, orders):
                self.set(slot, *pair)


def keep(quotas, before, order):
    """The owners that may stay, each in its place."""
    surplus = [-copies for copies in quotas.copies]
    for row in before:
        for node in row:
            if node != GONE:
                surplus[node] += 1
    rows, homes = [None] * SLOTS, [GONE] * SLOTS
    for slot in order:
        row = list(before[slot])
        while True:
            taken = [k for k, node in enumerate(row) if node != GONE]
            zones = [quotas.zone[row[k]] for k in taken]
            crowd = [k for k in taken if zones.count(quotas.zone[row[k]]) > quotas.per_zone]
            crowd = crowd or (taken if len(taken) > quotas.width else [])
            if not crowd:
                break
            loser = max(crowd, key=lambda k: (surplus[row[k]], k))
            surplus[row[loser]] -= 1
            row[loser] = GONE
        homes[slot] = row[0]
        if len(row) > quotas.width:
            row = [node for node in row if node != GONE]
        rows[slot] = row + [GONE] * (quotas.width - len(row))
    return rows, homes


def table_text(copies, epoch, nodes, rows):
    document = {
        "copies": copies,
        "epoch": epoch,
        "format": 1,
        "nodes": nodes,
        "owners": base64.urlsafe_b64encode(bytes(node for row in rows for node in row)).decode().rstrip("="),
        "routing": "id-bits",
        "slots": SLOTS,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def node_of(spec):
    weight = spec.get("weight", 1)
    state = "active" if weight else "draining"
    return {"name": spec["name"], "state": state, "weight": weight, "zone": spec.get("zone")}


def life(copies, lists):
    """Every epoch of one ring."""
    names, rows, epochs = [], None, []
    for epoch, specs in enumerate(lists, 1):
        if isinstance(specs, dict):
            copies, specs = specs["copies"], specs["nodes"]
        nodes = sorted(map(node_of, specs), key=lambda node: node["name"])
        quotas, order = Quotas(nodes, copies), mixed_order(epoch)
        if rows is None:
            rows, homes = [[GONE] * quotas.width for _ in range(SLOTS)], [GONE] * SLOTS
        else:
            active = {node["name"]: n for n, node in enumerate(nodes) if node["weight"]}
            now = [active.get(name, GONE) for name in names]
            rows, homes = keep(quotas, [[now[node] for node in row] for row in rows], order)
        Copies(quotas, rows, homes, order).settle()
        Homes(quotas, rows, homes, order).settle()
        names = [node["name"] for node in nodes]
        text = table_text(copies, epoch, nodes, rows)
        epochs.append(
            {
                "copies": quotas.copies,
                "homes": quotas.homes,
                "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
            }
        )
    return epochs


if __name__ == "__main__":
    json.dump([life(ring["copies"], ring["lists"]) for ring in json.load(sys.stdin)], sys.stdout)
