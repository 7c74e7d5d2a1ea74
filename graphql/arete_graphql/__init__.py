"""The GraphQL API and the pages it serves. Imports no torch."""
