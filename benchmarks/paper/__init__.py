"""The paper's figures and tables (Luo, Chi and Deng, Front. Genet. 10:1145, 2019), made from a table of results."""
