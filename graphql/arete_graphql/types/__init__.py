"""GraphQL types, a module a subject. Names and fields are those of the query layer's answers.

A type holds plain values, which Strawberry reads without calling anything; only fields that need the database are
resolvers, and each of these makes one read. The modules import one another in the order common, channels, layers,
classes, uses, graphs, overlaps, motifs, groups, rankings, matrices, searches, runs; a field whose type comes later
names it lazily.
"""
